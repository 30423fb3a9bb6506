// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
  /// Reads one JSON text. Memory is bounded by a multiple of its size, nesting by
  /// ``maximumDepth``; of members with the same name the last one counts.
  public static func decode(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> JSONValue {
    try JSONParser.parse(bytes)
  }

  /// Reads one JSON text.
  public init(decoding bytes: [UInt8]) throws(WireError) {
    self = try bytes.withBytes(JSONValue.decode)
  }

  /// The value as compact JSON, members in their order.
  public func encoded() -> [UInt8] {
    ByteWriter.bytes(expected: 256) { $0.value(self) }
  }
}

extension JSONValue {
  /// The value as JSON with two spaces of indentation and a final line break: the layout in which
  /// the service itself sends (live-api.md B.3), for an emulator.
  public func encodedWithIndentation() -> [UInt8] {
    ByteWriter.bytes(expected: 512) { writer in
      writer.indented(self, depth: 0)
      writer.raw(UInt8(ascii: "\n"))
    }
  }
}

extension ByteWriter {
  fileprivate mutating func indented(_ value: JSONValue, depth: Int) {
    switch value {
    case .object(let object) where !object.isEmpty:
      lines("{", "}", object.members, depth) { writer, member in
        writer.string(member.name)
        writer.raw(": ")
        writer.indented(member.value, depth: depth + 1)
      }
    case .array(let elements) where !elements.isEmpty:
      lines("[", "]", elements, depth) { $0.indented($1, depth: depth + 1) }
    default: self.value(value)
    }
  }

  private mutating func lines<T>(
    _ open: StaticString, _ close: StaticString, _ items: [T], _ depth: Int,
    _ item: (inout ByteWriter, T) -> Void
  ) {
    raw(open)
    for index in items.indices {
      if index > 0 { raw(UInt8(ascii: ",")) }
      breakLine(depth + 1)
      item(&self, items[index])
    }
    breakLine(depth)
    raw(close)
  }

  private mutating func breakLine(_ depth: Int) {
    raw(UInt8(ascii: "\n"))
    for _ in 0..<depth { raw("  ") }
  }
}

extension JSONObject {
  /// The object as compact JSON, members in their order.
  public func encoded() -> [UInt8] { JSONValue.object(self).encoded() }
}

extension Array where Element == UInt8 {
  /// `withUnsafeBytes` with a typed error; the standard one erases it.
  @inline(__always)
  func withBytes<R>(
    _ body: (UnsafeRawBufferPointer) throws(WireError) -> R
  ) throws(WireError) -> R {
    let result = withUnsafeBytes { buffer -> Result<R, WireError> in
      do throws(WireError) { return .success(try body(buffer)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
