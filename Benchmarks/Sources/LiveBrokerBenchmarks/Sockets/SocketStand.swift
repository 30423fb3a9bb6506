// SPDX-License-Identifier: Apache-2.0

#if NIO
import LiveBroker
import NIOCore
import NIOPosix

/// A broker against the server's process, on the event loops that it is given.
struct SocketStand: Sendable {
  static let apiKey = Secret("BENCHMARK-KEY")
  let transport: NIOTransport
  private let runtime: BrokerRuntime
  private let minter: HTTPTokenMinter?
  private let configuration: BrokerConfiguration

  /// - Parameter tokens: How ephemeral tokens are asked for; nil opens connections with the key.
  init(
    _ server: ServerProcess, on group: any EventLoopGroup, tokens: TokenPoolConfiguration? = nil,
    _ change: (inout BrokerConfiguration) -> Void = { _ in }
  ) throws {
    runtime = .nio(group: group)
    var settings = NIOTransportConfiguration()
    if let certificate = server.certificate { settings.tls.trustRoots = .file(certificate) }
    transport = NIOTransport(group: group, configuration: settings)
    var configuration: BrokerConfiguration
    if let tokens {
      var mint = HTTPTokenMinter.Configuration()
      mint.tls = settings.tls
      let minter = try HTTPTokenMinter(
        endpoint: server.endpoint, apiKey: Self.apiKey, group: group, configuration: mint)
      self.minter = minter
      configuration = BrokerConfiguration(credentials: .ephemeralTokens(minter, tokens))
    } else {
      minter = nil
      configuration = BrokerConfiguration(credentials: .apiKey(Self.apiKey))
    }
    configuration.endpoint = server.endpoint
    change(&configuration)
    self.configuration = configuration
  }

  /// Runs the broker while `body` runs.
  func run<R: Sendable>(
    _ body: @Sendable (Broker) async throws -> R
  ) async throws -> R {
    try await withBroker(
      configuration: configuration, transport: transport, runtime: runtime, body)
  }

  /// Alarms that wait in the executors of the loops.
  var executorTimersPending: Int {
    runtime.shardExecutors.reduce(0) { $0 + (($1 as? EventLoopExecutor)?.timersPending ?? 0) }
  }

  /// Ends the minter's connections.
  func end() async { await minter?.shutdown() }

  /// Runs `body` with event loops that are gone when it has returned.
  static func withLoops<R>(
    _ count: Int, _ body: (any EventLoopGroup) async throws -> R
  ) async throws -> R {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: count)
    let result: Result<R, any Error>
    do { result = .success(try await body(group)) } catch { result = .failure(error) }
    try await group.shutdownGracefully()
    return try result.get()
  }

  /// Opens sessions named by their numbers, some at a time.
  static func open(
    _ count: Int, on broker: Broker, prefix: String = "",
    _ configuration: @escaping @Sendable (Int) -> SessionConfiguration,
    each: (Int) -> Void = { _ in }
  ) async throws -> [LiveSession] {
    try await withThrowingTaskGroup(of: (Int, LiveSession).self) { group in
      var sessions = [LiveSession?](repeating: nil, count: count)
      var next = 0
      func openNext() {
        guard next < count else { return }
        let index = next
        next += 1
        group.addTask {
          (index, try await broker.openSession(configuration(index), id: prefix + String(index)))
        }
      }
      for _ in 0..<min(count, 512) { openNext() }
      var opened = 0
      for try await (index, session) in group {
        sessions[index] = session
        opened += 1
        each(opened)
        openNext()
      }
      return sessions.compactMap { $0 }
    }
  }
}
#endif
