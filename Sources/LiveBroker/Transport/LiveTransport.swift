// SPDX-License-Identifier: Apache-2.0

/// What the engine asks of a network. Sockets, proxies and in-memory networks are behind it.
///
/// A transport is shared by all shards; `dial` is called from any of them, concurrently.
public protocol LiveTransport: Sendable {
  /// Opens a connection: resolved, connected, TLS done, WebSocket upgraded, nothing sent on it.
  ///
  /// From its return on, or shortly before, everything that arrives is given to `request.sink`.
  /// Cancelling the calling task abandons the dial and releases what it had opened; something may have
  /// been told by then.
  ///
  /// - Throws: ``TransportError`` with the phase that failed.
  func dial(_ request: DialRequest) async throws(TransportError) -> any LiveConnection
}

/// All that a transport needs to open one connection.
public struct DialRequest: Sendable {
  /// Where to.
  public var endpoint: LiveEndpoint
  /// What opens it. The transport places it as the service wants it, and logs it nowhere.
  public var credential: Credential
  /// Number of this connection within its session, given back with every event.
  public var generation: UInt32
  /// The executor on which the connection should live and on which the sink is best called.
  public var executor: any ShardExecutor
  /// Who is told what arrives.
  public var sink: any ConnectionSink
  /// How long each phase may take.
  public var timeouts: DialTimeouts

  /// Makes a request from its parts.
  public init(
    endpoint: LiveEndpoint, credential: Credential, generation: UInt32,
    executor: any ShardExecutor, sink: any ConnectionSink, timeouts: DialTimeouts = .init()
  ) {
    self.endpoint = endpoint
    self.credential = credential
    self.generation = generation
    self.executor = executor
    self.sink = sink
    self.timeouts = timeouts
  }
}

/// Deadlines of a dial, one for each phase, so that an error names what hung.
public struct DialTimeouts: Sendable, Hashable {
  /// Name resolution. Default 5 s.
  public var resolve: Duration = .seconds(5)
  /// TCP connect. Default 5 s.
  public var connect: Duration = .seconds(5)
  /// TLS handshake. Default 5 s.
  public var tls: Duration = .seconds(5)
  /// WebSocket upgrade. Default 10 s.
  public var upgrade: Duration = .seconds(10)

  /// The documented defaults.
  public init() {}
}

/// An open WebSocket. All calls are made on the executor of its ``DialRequest``.
public protocol LiveConnection: AnyObject, Sendable {
  /// Sends one frame after those sent before. Never blocks and never fails here: a failure arrives
  /// at the sink. Ignored after `close` or `abort`.
  func send(_ frame: OutboundFrame)

  /// Starts the close handshake. The sink hears `closed` once the peer has answered.
  func close(code: UInt16, reason: String)

  /// Drops the connection at once, without a handshake. The sink hears nothing more; where it is
  /// called from elsewhere than the executor, a call may be under way, but none is of the end.
  func abort()

  /// Stops or resumes reading from the socket, so that the peer feels back-pressure.
  func setReading(_ enabled: Bool)
}

/// One frame on its way out. Payloads are unmasked; the transport masks them.
public enum OutboundFrame: Sendable, Hashable {
  /// UTF-8 JSON in a text frame, as the first-party SDKs send it.
  case text([UInt8])
  /// A ping with its application data (at most 125 bytes).
  case ping([UInt8])
}

/// Who is told what arrives on a connection.
///
/// Events of one connection come one at a time, in order, and carry its generation. A transport
/// should call on the connection's executor (then the session is entered synchronously); it may
/// call from elsewhere, always from the same context, and pays a queue for it. It does not call from
/// inside a call of the connection: what a `send` brings about is told afterwards.
public protocol ConnectionSink: AnyObject, Sendable {
  /// A whole message, text or binary alike. The bytes are valid only during the call.
  func connection(_ generation: UInt32, received payload: UnsafeRawBufferPointer)
  /// Something that is not a message happened. `closed` and `failed` are final: nothing follows.
  func connection(_ generation: UInt32, signalled signal: ConnectionSignal)
}

/// What a connection can tell besides messages.
public enum ConnectionSignal: Sendable {
  /// A pong arrived, with its data: by RFC 6455 that of the ping it answers. Told in its place among
  /// the messages, since its order is what proves that messages have arrived.
  case pong([UInt8])
  /// The outbound buffer of the connection rose above (`false`) or fell below (`true`) its limits.
  case writable(Bool)
  /// The WebSocket ended by a close frame of the peer, or by the peer's answer to ours.
  /// `code` is nil for a close frame without one.
  case closed(code: UInt16?, reason: String)
  /// The connection ended without a close frame.
  case failed(TransportError)
}
