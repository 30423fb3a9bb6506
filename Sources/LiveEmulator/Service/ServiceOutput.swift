// SPDX-License-Identifier: Apache-2.0

public import LiveBroker

/// Names a WebSocket towards the service. The network that carries it chooses the numbers and uses
/// none twice.
public typealias ConnectionID = UInt64

/// What the service wants done, in the order in which it wants it.
public enum ServiceOutput: Sendable, Hashable {
  /// Send one message, UTF-8 JSON, in a binary frame.
  case send(ConnectionID, [UInt8])
  /// Send a close frame. It is the answer if the peer's close came first, otherwise the beginning of
  /// the close handshake.
  case close(ConnectionID, code: UInt16, reason: String)
  /// Cut the TCP connection without a close frame.
  case drop(ConnectionID)
  /// Something worth a line in a trace happened inside.
  case note(ServiceNote)
}

/// What happened inside the service, in few words and without secrets.
public enum ServiceNote: Sendable, Hashable {
  /// A token was minted; tokens are numbered from 1.
  case minted(token: UInt64)
  /// A mint was refused with this HTTP status.
  case mintRefused(status: Int)
  /// An upgrade was refused with this HTTP status.
  case upgradeRefused(ConnectionID, status: Int)
  /// A new session began on this connection; sessions are numbered from 0.
  case sessionStarted(ConnectionID, session: Int)
  /// A session was resumed from a checkpoint.
  case sessionResumed(ConnectionID, session: Int, checkpoint: UInt32)
  /// A resume took the session back: so many messages and bytes of media are forgotten.
  case rolledBack(session: Int, messages: Int, mediaBytes: Int)
  /// A handle was issued.
  case checkpoint(session: Int, checkpoint: UInt32)
  /// An update without a handle was sent.
  case withheld(session: Int)
  /// A setup was refused and its connection closed.
  case setupRefused(ConnectionID, code: UInt16, reason: String)
  /// goAway was sent.
  case goAway(ConnectionID, timeLeft: Duration)
  /// The service began to close the connection.
  case closed(ConnectionID, code: UInt16, reason: String)
  /// The client closed the connection, with this code.
  case closedByClient(ConnectionID, code: UInt16?)
  /// The connection ended without a close frame; `byService` if the service cut it.
  case dropped(ConnectionID, byService: Bool)
  /// A turn of the model began.
  case turnStarted(session: Int)
  /// A turn of the model ended.
  case turnEnded(session: Int, interrupted: Bool)
  /// The model called functions.
  case toolCalled(session: Int, calls: Int)
  /// A fault was injected.
  case fault(ConnectionID, ServiceFault)
  /// The client broke a promise.
  case promiseBroken(BrokenPromise)
  /// A session was forgotten: its handles expired, or it reached its own length.
  case forgotten(session: Int)
}

/// The service's answer to a WebSocket upgrade.
public enum UpgradeAnswer: Sendable, Hashable {
  /// HTTP 101. Faults of the credential come as a close frame afterwards, as with the real service.
  case accepted
  /// An HTTP error, and how long to wait if the service says so.
  case refused(status: Int, retryAfter: Duration?)
}

/// The service's answer to a mint request.
public struct MintAnswer: Sendable, Hashable {
  /// HTTP status.
  public var status: Int
  /// JSON, or plain text for 404. It holds the token's name: not for logs.
  public var body: [UInt8]
  /// The `Date` header: the service's own clock.
  public var date: WallTime

  /// Makes an answer from its parts.
  public init(status: Int, body: [UInt8], date: WallTime) {
    self.status = status
    self.body = body
    self.date = date
  }
}
