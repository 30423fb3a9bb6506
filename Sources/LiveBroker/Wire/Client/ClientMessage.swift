// SPDX-License-Identifier: Apache-2.0

/// One message from the client to the service: exactly one kind.
public enum ClientMessage: Sendable, Hashable, Codable {
  /// First message, once.
  indirect case setup(Setup)
  /// Ordered turns.
  case clientContent(ClientContent)
  /// Streamed media and text.
  case realtimeInput(RealtimeInput)
  /// Results of calls.
  case toolResponse(ToolResponse)
  /// Replaces instruction or tools.
  case contextUpdate(ContextUpdate)
  /// Anything else: an object with no known kind, or with more beside one. The service would close
  /// with 1007; nothing is lost here.
  case unknown(JSONValue)
}

extension ClientMessage {
  /// Reads one frame. Works on the bytes alone, with memory bounded by a multiple of their number.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> ClientMessage {
    if let message = FrameScanner.clientMessage(bytes) { return message }
    return try decodeFully(bytes)
  }

  /// Reads one frame.
  public init(decoding bytes: [UInt8]) throws(WireError) {
    self = try bytes.withBytes(ClientMessage.decode)
  }

  /// Reads a message through ``JSONValue``, so that it means what its wire form means.
  public init(from decoder: any Decoder) throws {
    self = try Self.readWire(JSONValue(from: decoder))
  }

  /// Writes the message in its wire form.
  public func encode(to encoder: any Encoder) throws {
    try JSONValue(decoding: encoded()).encode(to: encoder)
  }

  /// The frame's bytes: compact JSON, camelCase, standard base64.
  public func encoded() -> [UInt8] {
    switch self {
    case .setup(let setup): Self.frame("setup", setup) { _ in 2048 }
    case .clientContent(let content):
      Self.frame("clientContent", content) { content in
        var size = 64
        for index in content.turns.indices { size += content.turns[index].expectedSize() }
        return size
      }
    case .realtimeInput(let input):
      Self.frame("realtimeInput", input) { input in
        let media = (input.audio?.expectedSize() ?? 0) + (input.video?.expectedSize() ?? 0)
        return 64 + media + (input.text?.utf8.count ?? 0)
      }
    case .toolResponse(let response): Self.frame("toolResponse", response) { _ in 512 }
    case .contextUpdate(let update): Self.frame("contextUpdate", update) { _ in 1024 }
    case .unknown(let json): json.encoded()
    }
  }

  @inline(__always)
  private static func frame<M: WireMessage>(
    _ name: StaticString, _ message: M, expected: (inout M) -> Int
  ) -> [UInt8] {
    var message = message
    return ByteWriter.bytes(expected: expected(&message)) { writer in
      writer.object { writer in
        writer.name(name)
        message.writeWire(to: &writer)
      }
    }
  }

  /// Reads through ``JSONValue``, without the scanner.
  static func decodeFully(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> ClientMessage {
    let json = try JSONParser.parse(bytes)
    do { return try readWire(json) } catch { throw error.located(in: bytes) }
  }

  private static func readWire(_ json: JSONValue) throws(WireError) -> ClientMessage {
    guard case .object(var object) = json else { throw WireError(.notAnObject) }
    object.removeNulls()
    guard object.count == 1, let member = object.members.first else { return .unknown(json) }
    func matches(_ name: StaticString) -> Bool { FieldName.matches(member.name, name) }
    if matches("setup") { return .setup(try read("setup", member.value)) }
    if matches("clientContent") { return .clientContent(try read("clientContent", member.value)) }
    if matches("realtimeInput") { return .realtimeInput(try read("realtimeInput", member.value)) }
    if matches("toolResponse") { return .toolResponse(try read("toolResponse", member.value)) }
    if matches("contextUpdate") { return .contextUpdate(try read("contextUpdate", member.value)) }
    return .unknown(json)
  }

  private static func read<T: WireMessage>(
    _ name: String, _ json: JSONValue
  ) throws(WireError) -> T {
    do { return try T.readWire(json) } catch { throw error.within(name) }
  }
}
