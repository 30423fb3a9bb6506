// SPDX-License-Identifier: Apache-2.0

// Stands in for the service's own file of the same types until that is merged; then it goes.

public import LiveBroker

/// Names a WebSocket towards the service. The network that carries it chooses the numbers and uses
/// none twice.
public typealias ConnectionID = UInt64

/// What the service wants done, in the order in which it wants it.
public enum ServiceOutput: Sendable, Hashable {
  /// Send one message, UTF-8 JSON, in a binary frame.
  case send(ConnectionID, [UInt8])
  /// Send a close frame: the answer if the peer's came first, otherwise the first half.
  case close(ConnectionID, code: UInt16, reason: String)
  /// Cut the TCP connection without a close frame.
  case drop(ConnectionID)
  /// Something worth a line in a trace happened inside.
  case note(ServiceNote)
}

/// What happened inside the service.
public enum ServiceNote: Sendable, Hashable {
  /// A new session began on this connection.
  case sessionStarted(ConnectionID, session: Int)
}

/// The service's answer to a WebSocket upgrade.
public enum UpgradeAnswer: Sendable, Hashable {
  /// HTTP 101.
  case accepted
  /// An HTTP error, and how long to wait if the service says so.
  case refused(status: Int, retryAfter: Duration?)
}

/// The service's answer to a mint request.
public struct MintAnswer: Sendable, Hashable {
  /// HTTP status.
  public var status: Int
  /// JSON. It holds the token's name: not for logs.
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
