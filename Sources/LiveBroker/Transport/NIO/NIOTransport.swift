// SPDX-License-Identifier: Apache-2.0

#if NIO
public import NIOCore
public import NIOPosix
internal import NIOSSL
internal import Synchronization

/// The transport over real sockets: TCP, TLS and WebSocket on the event loops of SwiftNIO.
///
/// One handler per connection does the upgrade and the frames and calls the session on the
/// connection's own loop, synchronously; no task and no stream belongs to a connection. With
/// ``BrokerRuntime/nio(group:seed:)`` on the same group a session and its connections share a loop;
/// with any other runtime connections are spread over the group's loops, and what arrives is queued
/// for the session by its sink.
///
/// The group is the caller's: the transport neither starts nor shuts it down. It must outlive the
/// broker's `run()`; a loop that is gone answers no dial.
public final class NIOTransport: CallbackTransport {
  private let group: any EventLoopGroup
  private let configuration: NIOTransportConfiguration
  private let resolver: HostResolver
  private let tls = Mutex<NIOSSLContext?>(nil)
  private let states: Mutex<[ObjectIdentifier: LoopState]>

  /// Makes a transport.
  ///
  /// - Parameters:
  ///   - group: The loops that connections live on if the engine does not say which. Default: the
  ///     process's shared group, one loop for each core.
  ///   - configuration: Trust, limits, proxy and the like. What TLS needs is loaded by the first
  ///     dial that needs it.
  public init(
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    configuration: NIOTransportConfiguration = NIOTransportConfiguration()
  ) {
    self.group = group
    self.configuration = configuration
    resolver = HostResolver(configuration.resolver)
    states = Mutex([:])
  }

  /// Sockets of this transport that are open, being opened, or being closed.
  public var openSockets: Int { sum { $0.sockets.load(ordering: .relaxed) } }

  /// Deadlines that are set for dials, for closes, and for peers that do not read.
  public var timersPending: Int { sum { $0.deadlines.load(ordering: .relaxed) } }

  /// Dials whose outcome is still to be told.
  public var dialsUnderWay: Int { sum { $0.dials.load(ordering: .relaxed) } }

  /// Pings of peers that were not answered, since the transport was made: those that came behind our
  /// close frame, where nothing may be sent any more, and those of a peer that does not read what it
  /// is sent, for whom answers would pile up.
  public var pongsDropped: Int { sum { $0.pongsDropped.load(ordering: .relaxed) } }

  private func sum(_ count: (LoopState) -> Int) -> Int {
    states.withLock { states in states.values.reduce(0) { $0 + count($1) } }
  }

  /// Deadlines that are set on the loop of an executor. For tests.
  func deadlineCount(on executor: EventLoopExecutor) async -> Int {
    let state = state(for: executor)
    return await withUnsafeContinuation { continuation in
      state.loop.execute { continuation.resume(returning: state.deadlineCount) }
    }
  }

  /// Begins to open a connection on the loop of `request.executor` if that is an
  /// ``EventLoopExecutor``, and on any loop of the group otherwise.
  package func beginDial(
    _ request: DialRequest,
    answer: @escaping @Sendable (Result<any LiveConnection, TransportError>) -> Void
  ) -> any DialUnderWay {
    let tls = request.endpoint.usesTLS ? tlsContext() : .success(nil)
    let state = state(for: request.executor)
    let dial = NIODial(request, configuration, resolver, tls: tls, on: state, answer: answer)
    if state.loop.inEventLoop { dial.start() } else { state.loop.execute { dial.start() } }
    return dial
  }

  private func state(for executor: any ShardExecutor) -> LoopState {
    let loop = (executor as? EventLoopExecutor)?.eventLoop ?? group.next()
    return states.withLock { states in
      let id = ObjectIdentifier(loop)
      if let state = states[id] { return state }
      let state = LoopState(loop)
      states[id] = state
      return state
    }
  }

  /// The one TLS context: making it reads the trusted certificates, which is worth doing once.
  private func tlsContext() -> Result<NIOSSLContext?, TransportError> {
    tls.withLock { tls in
      if let tls { return .success(tls) }
      do {
        tls = try NIOSSLContext(configuration: configuration.tls.clientConfiguration())
        return .success(tls)
      } catch {
        return .failure(
          TransportError(
            .tlsFailed, message: "the TLS configuration cannot be used: \(error)", cause: error))
      }
    }
  }
}
#endif
