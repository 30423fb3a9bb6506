// SPDX-License-Identifier: Apache-2.0

/// A message as the application gets it: what the service said, or what the broker says in its place.
///
/// The fields of ``ServerMessage`` can be read on it directly.
@dynamicMemberLookup
public struct SessionMessage: Sendable, Hashable {
  /// Who speaks.
  public enum Origin: String, Sendable, Hashable {
    /// The service.
    case service
    /// The broker: the end of a turn that a lost connection cut in half, or the end of calls that
    /// were lost with it.
    case broker
  }

  /// What is said.
  public var content: ServerMessage
  /// Who speaks.
  public var origin: Origin
  /// The frame's bytes as they came, if ``InboundPolicy/keepsFrames`` asks for them. They may hold a
  /// resumption handle, and so must not be logged as they are.
  public var frame: [UInt8]?

  /// Makes a message from its parts.
  public init(_ content: ServerMessage, from origin: Origin = .service, frame: [UInt8]? = nil) {
    self.content = content
    self.origin = origin
    self.frame = frame
  }

  /// A field of the content.
  @inlinable
  public subscript<Value>(dynamicMember field: KeyPath<ServerMessage, Value>) -> Value {
    content[keyPath: field]
  }
}

extension SessionMessage {
  /// The end that the broker gives to a turn which the connection cut in half.
  static var endOfCutTurn: SessionMessage {
    var content = ServerContent()
    content.interrupted = true
    content.turnComplete = true
    return SessionMessage(ServerMessage(serverContent: content), from: .broker)
  }

  /// Calls that ended with their connection.
  static func cancelled(_ ids: [String]) -> SessionMessage {
    SessionMessage(
      ServerMessage(toolCallCancellation: ToolCallCancellation(ids: ids)), from: .broker)
  }
}
