// SPDX-License-Identifier: Apache-2.0

#if NIO
import Foundation
import LiveBroker
import NIOCore
import NIOSSL

/// What the options mean to the broker.
enum TalkSetup {
  /// The function that the model may call.
  private static let clockFunction = "current_time"

  /// Whether whom the user wants to be trusted can be read.
  static func checkAuthority(_ path: String?) throws(TalkFailure) {
    guard let path else { return }
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw TalkFailure(.noInput, "--ca: '\(path)' cannot be read")
    }
    guard let found = try? NIOSSLCertificate.fromPEMFile(path), !found.isEmpty else {
      throw TalkFailure(.noInput, "--ca: '\(path)' holds no certificate in PEM")
    }
  }

  static func tls(_ options: TalkOptions) -> NIOTransportConfiguration.TLS {
    var tls = NIOTransportConfiguration.TLS()
    if let authority = options.authority { tls.trustRoots = .file(authority) }
    return tls
  }

  static func transport(_ options: TalkOptions, _ group: any EventLoopGroup) -> NIOTransport {
    var configuration = NIOTransportConfiguration()
    configuration.tls = tls(options)
    return NIOTransport(group: group, configuration: configuration)
  }

  static func minter(
    _ options: TalkOptions, _ endpoint: LiveEndpoint, _ key: Secret, _ group: any EventLoopGroup
  ) throws(TalkFailure) -> HTTPTokenMinter {
    var configuration = HTTPTokenMinter.Configuration()
    configuration.tls = tls(options)
    do throws(MintError) {
      return try HTTPTokenMinter(
        endpoint: endpoint, apiKey: key, group: group, configuration: configuration)
    } catch {
      throw TalkFailure(minting: error, endpoint)
    }
  }

  static func pool(_ options: TalkOptions) -> TokenPoolConfiguration {
    var pool = TokenPoolConfiguration()
    if let lifetime = options.tokenLifetime { pool.lifetime = lifetime }
    if let window = options.newSessionWindow { pool.newSessionWindow = window }
    return pool
  }

  /// - Parameter label: By which an emulated service reports about the session; the real one gets
  ///   none.
  static func session(_ options: TalkOptions, label: String?) -> SessionConfiguration {
    var setup = Setup(model: options.model)
    setup.generationConfig = GenerationConfig(responseModalities: [.audio])
    setup.outputAudioTranscription = AudioTranscriptionConfig()
    setup.tools = [
      Tool(functionDeclarations: [
        FunctionDeclaration(name: clockFunction, description: "Tells the present time, in UTC.")
      ])
    ]
    if let label { setup.labels = ["session": .string(label)] }
    var configuration = SessionConfiguration(setup: setup)
    configuration.rotation.handover = HandoverPolicy(options.handover)
    return configuration
  }

  /// How its sessions behave. Only the emulated service is known to answer a probe as one.
  static func style(_ options: TalkOptions, isEmulated: Bool) -> ScriptedSession.Style {
    var style = ScriptedSession.Style()
    style.sendsRealtimeText = true
    style.result = { call in
      guard call.name == clockFunction else { return ["error": "there is no such function"] }
      return ["time": .string(SystemClock().wallTime.rfc3339)]
    }
    style.endsWithScript = options.minutes == nil && options.sessions == 1
    // One that is done makes room for one that waits for a place.
    style.closesAtEnd = options.sessions > 1
    if options.sessions == 1 {
      style.ending = .silence
    } else if !isEmulated {
      style.ending = .question("Please say yes. This is question", answerBegins: "")
    }
    return style
  }

  /// A name that no other talk with the same service has.
  static func newLabel() -> String {
    "talk-" + String(UInt64.random(in: .min ... .max), radix: 36)
  }
}

extension HandoverPolicy {
  init(_ handover: Handover) {
    switch handover {
    case .afterClose: self = .afterClose
    case .optimistic: self = .optimistic
    }
  }
}

extension TalkFailure {
  /// No token can be had.
  init(minting error: MintError, _ endpoint: LiveEndpoint) {
    switch error.code {
    case .keyRefused:
      self.init(
        .refused, "\(endpoint.shown) refuses the key in \(TalkKey.variable): \(error.message)")
    case .unreachable:
      let reason = error.cause.map { ReportClient.reason($0) } ?? error.message
      self.init(.unavailable, "\(endpoint.shown) does not answer: \(reason)")
    default: self.init(.refused, "\(endpoint.shown) gives no token: \(error.message)")
    }
  }

  /// A session was not let in; nil if that is no reason for all of them to end.
  init?(opening error: BrokerError, _ endpoint: LiveEndpoint, _ model: String) {
    switch error.end?.code {
    case .credentialRefused?:
      self.init(
        .refused,
        "\(endpoint.shown) refuses the key in \(TalkKey.variable): \(error.end?.message ?? "")")
    case .refusedByService?:
      self.init(
        .refused,
        "\(endpoint.shown) refuses the session with the model \(model): \(error.end?.message ?? "")"
      )
    default: return nil
    }
  }
}
#endif
