// SPDX-License-Identifier: Apache-2.0

#if NIO

/// What happens at an ``EmulatorServer``, without secrets.
public enum ServerEvent: Sendable, Hashable {
  /// Something happened inside the service.
  case service(ServiceNote)
  /// A WebSocket was opened; the credential's kind is a word, never its value.
  case opened(ConnectionID, method: String, credential: String)
  /// A WebSocket's TCP connection is gone.
  case gone(ConnectionID)
  /// A client did not read: so many bytes waited for it, and its connection was cut.
  case slowClientCut(ConnectionID, bytes: Int)
  /// A client broke the WebSocket protocol or a limit, and was refused with this close code.
  case violation(ConnectionID, code: UInt16, what: String)
  /// A client came and TLS did not come about: it speaks something else, or it does not trust the
  /// certificate.
  case handshakeFailed
  /// An HTTP request was refused with this status.
  case requestRefused(status: Int, what: String)
  /// A connection or an upgrade was left without an answer, on purpose.
  case stalled(what: String)
  /// No new connection is accepted any more; so many are told to leave.
  case draining(open: Int)
}

/// What an ``EmulatorServer`` has counted: from its beginning, or now if it says so.
public struct ServerFigures: Sendable, Hashable {
  /// TCP connections accepted.
  public internal(set) var accepted = 0
  /// TCP connections open now, of any kind.
  public internal(set) var connectionsOpen = 0
  /// WebSockets open now.
  public internal(set) var socketsOpen = 0
  /// Timers that wait now. There are never more than a few, however many connections there are.
  public internal(set) var timersPending = 0
  /// HTTP requests read whole, upgrades included.
  public internal(set) var requests = 0
  /// The most upgrades that were asked for within ten neighbouring tenths of a second, admitted or
  /// not.
  public internal(set) var peakUpgradesPerSecond = 0
  /// Messages received, fragments put together.
  public internal(set) var messagesIn = 0
  /// Messages sent.
  public internal(set) var messagesOut = 0
  /// Pings received.
  public internal(set) var pings = 0
  /// Pings left without an answer because many answers of the same client waited for their time.
  public internal(set) var pingsLeftOut = 0
  /// Clients refused because they broke the protocol or a limit of size.
  public internal(set) var violations = 0
  /// Clients cut because they did not read.
  public internal(set) var slowClientsCut = 0
  /// Connections cut because no whole request came in time.
  public internal(set) var idleCut = 0
  /// Connections and upgrades left without an answer, on purpose.
  public internal(set) var stalled = 0
  /// Connections closed at once because there were too many.
  public internal(set) var turnedAway = 0

  /// Whether the server has ended.
  var hasStopped = false

  /// Nothing yet.
  public init() {}
}

/// A server that could not begin, or was used after its end.
public struct EmulatorServerError: Error, Sendable, CustomStringConvertible {
  /// What went wrong. New codes may appear in minor versions.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    private enum Name: String { case addressInUse, cannotListen, identity, stopped }
    private let name: Name
    /// Another process listens on the port.
    public static let addressInUse = Code(name: .addressInUse)
    /// The address cannot be listened on.
    public static let cannotListen = Code(name: .cannotListen)
    /// Certificate or key cannot be read, or do not belong together.
    public static let identity = Code(name: .identity)
    /// The server has been shut down.
    public static let stopped = Code(name: .stopped)
    /// The name of the code.
    public var description: String { name.rawValue }
  }

  /// What went wrong.
  public var code: Code
  /// For people.
  public var message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// Code and message.
  public var description: String { "EmulatorServerError(\(code)): \(message)" }
}
#endif
