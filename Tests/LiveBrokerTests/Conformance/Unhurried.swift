// SPDX-License-Identifier: Apache-2.0

import LiveEmulator

@testable import LiveBroker

extension Duration {
  /// How long tests on real clocks wait for what must come. Nobody waits so long unless it does not
  /// come: a busy machine, or a sanitizer, is to fail nothing.
  static let unhurried = Duration.seconds(600)
}

extension DialTimeouts {
  /// No phase ends by its deadline.
  static var unhurried: DialTimeouts {
    var timeouts = DialTimeouts()
    timeouts.resolve = .unhurried
    timeouts.connect = .unhurried
    timeouts.tls = .unhurried
    timeouts.upgrade = .unhurried
    return timeouts
  }
}

extension LivenessPolicy {
  /// No connection counts as dead because somebody was slow.
  static var unhurried: LivenessPolicy {
    var policy = LivenessPolicy()
    policy.silenceLimit = .unhurried
    policy.setupTimeout = .unhurried
    policy.closeTimeout = .unhurried
    policy.dialTimeout = .unhurried
    policy.answerLimit = .unhurried
    return policy
  }
}

#if NIO
extension EmulatorServerConfiguration {
  /// A server that cuts nobody for being slow.
  static var unhurried: EmulatorServerConfiguration {
    var configuration = EmulatorServerConfiguration()
    configuration.limits.requestPatience = .unhurried
    configuration.service.connections.standbyPatience = .unhurried
    configuration.service.connections.lifetime = .seconds(7_200)
    configuration.service.credentials.newSessionWindow = .unhurried
    return configuration
  }
}
#endif
