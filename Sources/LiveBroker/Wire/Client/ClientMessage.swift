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
    ByteWriter.bytes(expected: encodedSizeHint) { writer in
      switch self {
      case .setup(let setup): Self.write("setup", setup, to: &writer)
      case .clientContent(let content): Self.write("clientContent", content, to: &writer)
      case .realtimeInput(let input): Self.write("realtimeInput", input, to: &writer)
      case .toolResponse(let response): Self.write("toolResponse", response, to: &writer)
      case .contextUpdate(let update): Self.write("contextUpdate", update, to: &writer)
      case .unknown(let json): writer.value(json)
      }
    }
  }

  private var encodedSizeHint: Int {
    switch self {
    case .realtimeInput(let input):
      64 + (input.audio?.encodedSizeHint ?? 0) + (input.video?.encodedSizeHint ?? 0)
        + (input.text?.utf8.count ?? 0)
    case .clientContent(let content):
      content.turns.reduce(64) { $0 + $1.encodedSizeHint }
    case .setup: 2048
    default: 512
    }
  }

  private static func write(
    _ name: StaticString, _ message: some WireMessage, to writer: inout ByteWriter
  ) {
    writer.object { writer in
      writer.name(name)
      var message = message
      message.writeWire(to: &writer)
    }
  }

  /// Reads through ``JSONValue``, without the scanner.
  static func decodeFully(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> ClientMessage {
    try readWire(JSONParser.parse(bytes))
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
