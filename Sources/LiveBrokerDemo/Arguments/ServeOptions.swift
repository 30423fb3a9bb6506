// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator

/// What the user wants of the server. Every property has been checked against its range.
struct ServeOptions: Sendable {
  /// How much the server writes about what happens, to standard error.
  enum Log: String, CaseIterable, Sendable { case text, verbose, json, none }

  /// What is in dispute about the real service, by name.
  enum Variant: String, CaseIterable, Sendable {
    case v1
    case textFrames = "text-frames"
    case pretty
    case noHeaderTokens = "no-header-tokens"
    case resumeSpendsUse = "resume-spends-use"
    case fullLockKeepsResumption = "full-lock-keeps-resumption"
    case unaskedHandles = "unasked-handles"
    case invalidHandle = "invalid-handle-1007"
    case transparent
    case usageApart = "usage-apart"
  }

  /// Closes of the real service, by name.
  enum Close: String, CaseIterable, Sendable {
    case internalError = "internal"
    case internalErrorOccurred = "internal-occurred"
    case unavailable, deadline, overloaded, aborted
    case notImplemented = "not-implemented"
    case cancelled, normal, quota
    case tokenSpent = "token-spent"
    case tokenExpired = "token-expired"
    case ignoredGoAway = "ignored-goaway"
    case entityNotFound = "not-found"
    case invalidArgument = "invalid-argument"
    case precondition, location

    var notice: CloseNotice {
      switch self {
      case .internalError: .internalError
      case .internalErrorOccurred: .internalErrorOccurred
      case .unavailable: .unavailable
      case .deadline: .deadlineExpired
      case .overloaded: .overloaded
      case .aborted: .aborted
      case .notImplemented: .notImplemented
      case .cancelled: .cancelled
      case .normal: .normal
      case .quota: .quotaExceeded
      case .tokenSpent: .tokenUsedUp
      case .tokenExpired: .tokenExpiredWhileOpen
      case .ignoredGoAway: .ignoredGoAway
      case .entityNotFound: .entityNotFound
      case .invalidArgument: .invalidArgument
      case .precondition: .preconditionFailed
      case .location: .locationUnsupported
      }
    }
  }

  var host = "127.0.0.1"
  var port = 8765
  var certificate: String?
  var key: String?
  var connectionLifetime = Duration.seconds(600)
  var goAwayNotice = Duration.seconds(60)
  var newSessionWindow = Duration.seconds(60)
  var tokenLifetime = Duration.seconds(1_800)
  var handleLifetime = Duration.seconds(7_200)
  var answerLength = Duration.seconds(2)
  var faults = ""
  /// What the faults that close choose from; nil for those of a bad day.
  var closes: [Close]?
  var seed: UInt64 = 1
  var admittedPerSecond: Int?
  var concurrentSessions: Int?
  var apiKeys: Set<Secret>?
  var variants: Set<Variant> = []
  var drainTime = Duration.seconds(10)
  var log = Log.text

  init() {}

  /// Reads the arguments that stand behind the subcommand's name.
  init(arguments: some Sequence<String>) throws(UsageError) {
    try Self.flags.parse(arguments, into: &self)
    guard (certificate == nil) == (key == nil) else {
      throw UsageError("--tls-cert and --tls-key belong together")
    }
    guard goAwayNotice < connectionLifetime else {
      throw UsageError(
        "--go-away-notice: \(durationText(goAwayNotice)) is not less than the connection's lifetime, "
          + durationText(connectionLifetime))
    }
    // A wrong spec is the user's mistake, to be told now.
    var configuration = EmulatorServerConfiguration()
    do throws(UsageError) { try FaultSpec.apply(faults, to: &configuration) } catch {
      throw UsageError("--faults: \(error.message)", suggestion: error.suggestion)
    }
  }
}

extension ServeOptions {
  /// What the flags mean to the server. The observer is the caller's.
  var configuration: EmulatorServerConfiguration {
    var configuration = EmulatorServerConfiguration()
    configuration.host = host
    configuration.port = port
    configuration.seed = seed
    if let certificate, let key {
      configuration.identity = .files(certificateChain: certificate, privateKey: key)
    }
    apply(to: &configuration.service)
    for variant in variants { apply(variant, to: &configuration) }
    // Read once before: it cannot fail any more.
    try? FaultSpec.apply(faults, to: &configuration)
    return configuration
  }

  private func apply(to service: inout ServiceConfiguration) {
    service.connections.lifetime = connectionLifetime
    service.connections.goAwayNotice = goAwayNotice > .zero ? goAwayNotice : nil
    service.sessions.handleLifetime = handleLifetime
    service.sessions.concurrent = concurrentSessions
    service.credentials.lifetime = tokenLifetime
    service.credentials.newSessionWindow = newSessionWindow
    // A caller learns the time from a Date header, in whole seconds: one second of grace.
    service.credentials.maximumLifetime = tokenLifetime + .seconds(1)
    service.credentials.maximumNewSessionWindow = newSessionWindow + .seconds(1)
    service.credentials.acceptedKeys = apiKeys
    service.credentials.refusedKeys = [Secret("bad-key")]
    service.model.namesBegin = "gemini-"
    service.model.absentNames = ["no-such"]
    service.model.answerLength = answerLength
    if let closes { service.faults.closeNotices = closes.map(\.notice) }
    service.admitPerSecond = admittedPerSecond
    service.notes = log != .none
    // 22 minutes of frames as short as 20 ms: by them a client can tell which of its own are missing.
    service.accounts.audioDigestsKept = 1 << 16
  }

  private func apply(_ variant: Variant, to configuration: inout EmulatorServerConfiguration) {
    switch variant {
    case .v1: configuration.variants.servesV1 = true
    case .textFrames: configuration.variants.sendsTextFrames = true
    case .pretty: configuration.service.prettyPrinted = true
    case .noHeaderTokens: configuration.variants.takesTokensInHeaders = false
    case .resumeSpendsUse: configuration.service.credentials.resumptionCountsAsUse = true
    case .fullLockKeepsResumption:
      configuration.service.credentials.fullLockHidesResumption = false
    case .unaskedHandles: configuration.service.sessions.unaskedHandles = true
    case .invalidHandle: configuration.service.sessions.unknownHandle = .handleInvalid
    case .transparent: configuration.service.sessions.transparentResumption = true
    case .usageApart: configuration.service.usageApart = true
    }
  }
}
#endif
