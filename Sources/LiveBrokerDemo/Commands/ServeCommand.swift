// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import LiveEmulator

/// Serves the emulated Live service on a real port, for any Live SDK.
struct ServeCommand: DemoCommand {
  static let name = "serve"
  static let summary = "the emulated service on a real port, for any Live SDK"
  static var flagLines: [String] { ServeOptions.helpLines }

  let options: ServeOptions

  init(arguments: ArraySlice<String>) throws(UsageError) {
    options = try ServeOptions(arguments: arguments)
  }

  func run() async -> ExitStatus {
    let signals = StopSignals()
    var configuration = options.configuration
    if let log = ServerLog(options.log) {
      configuration.observer = { event in log.write(event) }
    }
    do {
      return try await withEmulatorServer(configuration) { server in
        Console.say(Self.readiness(server))
        return await Self.serve(server, until: signals, drainTime: options.drainTime)
      }
    } catch let error as EmulatorServerError {
      Console.complain(error.message)
      return error.code == .identity ? .noInput : .unavailable
    } catch {
      Console.complain("\(error)")
      return .software
    }
  }

  /// The one line that says where the server is found.
  private static func readiness(_ server: EmulatorServer) -> String {
    let scheme = server.endpoint.usesTLS ? "https" : "http"
    let host = server.endpoint.host
    let shown = host.contains(":") ? "[\(host)]" : host
    return "listening on \(scheme)://\(shown):\(server.port)"
  }

  /// The first signal drains, the second aborts.
  private static func serve(
    _ server: EmulatorServer, until signals: StopSignals, drainTime: Duration
  ) async -> ExitStatus {
    await signals.next()
    return await withTaskGroup(of: ExitStatus.self) { group in
      group.addTask(name: "drain") {
        try? await server.drain(timeLeft: drainTime)
        return .success
      }
      group.addTask(name: "second request") {
        await signals.next() ? .aborted : .success
      }
      let first = await group.next() ?? .success
      if first == .aborted { try? await server.cutEverything() }
      group.cancelAll()
      return first
    }
  }
}
#endif
