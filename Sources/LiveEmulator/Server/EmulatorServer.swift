// SPDX-License-Identifier: Apache-2.0

#if NIO
public import LiveBroker
import NIOCore
import NIOPosix

/// Runs a server for as long as `body` runs, and leaves nothing behind: when this returns or throws,
/// the port is free, every connection is cut, no timer waits, and the server's thread has ended.
///
///     try await withEmulatorServer { server in
///       let answer = try await talk(to: server.endpoint)
///       let report = try await server.report()
///     }
///
/// `body` runs in the caller's task and isolation. Cancelling the task cancels `body` alone; the end
/// that follows is not cut short. To let clients leave first, `body` calls
/// ``EmulatorServer/drain(timeLeft:)``.
///
/// - Throws: ``EmulatorServerError`` if the server cannot begin; whatever `body` throws.
public func withEmulatorServer<Result>(
  _ configuration: EmulatorServerConfiguration = EmulatorServerConfiguration(),
  _ body: (EmulatorServer) async throws -> Result
) async throws -> Result {
  let server = try await EmulatorServer.start(configuration)
  do {
    let result = try await body(server)
    await server.stop()
    return result
  } catch {
    await server.stop()
    throw error
  }
}

/// The emulated Live service behind real HTTP and WebSocket: any Live SDK takes it for the real one.
///
/// It serves minting, both Bidi methods on any path prefix, and `GET /emulator/report`, in plain text
/// or over TLS. Everything runs on one event loop with one thread, where ``LiveService`` decides. All
/// methods may be called from anywhere while the scope of ``withEmulatorServer(_:_:)`` lasts; after it
/// only ``figures`` answers.
public final class EmulatorServer: Sendable {
  /// The port that it listens on.
  public let port: Int
  /// Where a broker or an SDK finds it.
  public let endpoint: LiveEndpoint
  private let group: MultiThreadedEventLoopGroup
  private let loop: any EventLoop
  private let core: NIOLoopBound<ServerCore>
  private let listener: any Channel
  private let gauge: ServerGauge

  private init(
    _ configuration: EmulatorServerConfiguration, group: MultiThreadedEventLoopGroup,
    core: NIOLoopBound<ServerCore>, listener: any Channel, gauge: ServerGauge
  ) {
    self.group = group
    self.core = core
    self.listener = listener
    self.gauge = gauge
    loop = listener.eventLoop
    port = listener.localAddress?.port ?? configuration.port
    let isAnyAddress = configuration.host == "0.0.0.0" || configuration.host == "::"
    endpoint = LiveEndpoint(
      host: isAnyAddress ? "localhost" : configuration.host, port: port,
      usesTLS: configuration.identity != nil)
  }

  // MARK: Looking

  /// What it has counted so far; also after its end.
  public var figures: ServerFigures { gauge.now }

  /// Everything that the service saw. Copies all accounts: linear in the number of sessions.
  ///
  /// - Throws: ``EmulatorServerError`` with code `stopped` after the server's end.
  public func report() async throws -> ServiceReport {
    try await withService { service, _ in service.report() }
  }

  /// Looks at the service, or changes it: faults, storms. What it then wants done is done at once.
  ///
  /// - Parameter body: Gets the service and the present moment, on the server's event loop; it must
  ///   not block.
  /// - Throws: ``EmulatorServerError`` with code `stopped` after the server's end.
  public func withService<Result: Sendable>(
    _ body: @escaping @Sendable (inout LiveService, EngineInstant) -> Result
  ) async throws -> Result {
    try await onLoop { $0.change(body) }
  }

  // MARK: Ending

  /// Takes in nothing new, tells every session goAway with `timeLeft`, and returns when the last
  /// connection is gone; the service closes what has not left by then, and two seconds later the
  /// rest is cut. Further calls wait for the same end.
  ///
  /// Cancelling the caller does not end the wait; ``cutEverything()`` does.
  public func drain(timeLeft: Duration) async throws {
    try? await listener.close().get()
    try await onLoop { $0.drain(timeLeft: timeLeft) }
    try await loop.flatSubmit { [core] in core.value.whenEmpty }.get()
  }

  /// Cuts every TCP connection at once.
  public func cutEverything() async throws {
    try await onLoop { $0.cutEverything() }
  }

  fileprivate func stop() async {
    try? await listener.close().get()
    try? await onLoop { core in
      core.refuseNew()
      core.cutEverything()
    }
    try? await loop.flatSubmit { [core] in core.value.whenEmpty }.get()
    try? await onLoop { $0.stop() }
    gauge.change { $0.hasStopped = true }
    try? await group.shutdownGracefully()
  }

  private func onLoop<Result: Sendable>(
    _ body: @escaping @Sendable (ServerCore) -> Result
  ) async throws -> Result {
    guard !gauge.now.hasStopped else {
      throw EmulatorServerError(.stopped, "The server has been shut down.")
    }
    return try await loop.submit { [core] in body(core.value) }.get()
  }
}

// MARK: Beginning

extension EmulatorServer {
  fileprivate static func start(
    _ configuration: EmulatorServerConfiguration
  ) async throws(EmulatorServerError) -> EmulatorServer {
    let identity = try configuration.identity.map(ServerTLS.init(_:))
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let gauge = ServerGauge()
    let loop = group.next()
    do {
      let core = try await loop.submit {
        NIOLoopBound(
          ServerCore(loop: loop, configuration: configuration, gauge: gauge), eventLoop: loop)
      }.get()
      let listener = try await bootstrap(group, core, identity)
        .bind(host: configuration.host, port: configuration.port).get()
      return EmulatorServer(
        configuration, group: group, core: core, listener: listener, gauge: gauge)
    } catch {
      try? await group.shutdownGracefully()
      throw failure(error, configuration)
    }
  }

  private static func bootstrap(
    _ group: MultiThreadedEventLoopGroup, _ core: NIOLoopBound<ServerCore>, _ tls: ServerTLS?
  ) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 16_384)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.maxMessagesPerRead, value: 64)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try ServerPipeline.fill(channel, core.value, tls)
        }
      }
  }

  private static func failure(
    _ error: any Error, _ configuration: EmulatorServerConfiguration
  ) -> EmulatorServerError {
    let place = "\(configuration.host):\(configuration.port)"
    if let error = error as? IOError, error.errnoCode == ServerPipeline.addressInUse {
      return EmulatorServerError(.addressInUse, "Port \(configuration.port) is taken (\(place)).")
    }
    return EmulatorServerError(.cannotListen, "Cannot listen on \(place): \(error).")
  }
}
#endif
