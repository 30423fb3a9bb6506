// SPDX-License-Identifier: Apache-2.0

/// Reads JSON from bytes. Nothing that a peer sends can trap it or make it use more memory than a
/// constant multiple of the input.
struct JSONParser {
  let bytes: UnsafeRawBufferPointer
  var index: Int
  private var depth: Int

  /// - Parameter depth: How many objects and arrays are open around `index`.
  init(_ bytes: UnsafeRawBufferPointer, at index: Int = 0, depth: Int = 0) {
    self.bytes = bytes
    self.index = index
    self.depth = depth
  }

  /// Reads one whole document: an optional byte order mark, a value, and nothing else.
  static func parse(_ bytes: UnsafeRawBufferPointer) throws(WireError) -> JSONValue {
    var parser = JSONParser(bytes)
    parser.skipByteOrderMark()
    let value = try parser.value()
    parser.skipWhitespace()
    guard parser.index == bytes.count else {
      throw WireError(.trailingBytes, offset: parser.index)
    }
    return value
  }

  /// A UTF-8 byte order mark is not JSON, but common readers accept it, so we do.
  mutating func skipByteOrderMark() {
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { index = 3 }
  }

  @inline(__always)
  mutating func skipWhitespace() {
    while index < bytes.count {
      let byte = bytes[index]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      index += 1
    }
  }

  /// The error for the byte at the current index.
  func unexpected() -> WireError {
    WireError(index < bytes.count ? .unexpectedByte : .unexpectedEnd, offset: index)
  }

  /// Consumes `byte` or fails.
  @inline(__always)
  mutating func expect(_ byte: UInt8) throws(WireError) {
    guard index < bytes.count, bytes[index] == byte else { throw unexpected() }
    index += 1
  }

  /// Consumes `byte` if it is next, after whitespace.
  @inline(__always)
  mutating func skip(_ byte: UInt8) -> Bool {
    skipWhitespace()
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  mutating func value() throws(WireError) -> JSONValue {
    skipWhitespace()
    guard index < bytes.count else { throw unexpected() }
    switch bytes[index] {
    case UInt8(ascii: "{"): return .object(try object())
    case UInt8(ascii: "["): return .array(try array())
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"):
      try literal("true")
      return .bool(true)
    case UInt8(ascii: "f"):
      try literal("false")
      return .bool(false)
    case UInt8(ascii: "n"):
      try literal("null")
      return .null
    default: return try number()
    }
  }

  private mutating func literal(_ text: StaticString) throws(WireError) {
    for offset in 0..<text.utf8CodeUnitCount { try expect(text.utf8Start[offset]) }
  }

  private mutating func descend() throws(WireError) {
    depth += 1
    guard depth <= JSONValue.maximumDepth else { throw WireError(.tooDeep, offset: index) }
    index += 1
  }

  private mutating func array() throws(WireError) -> [JSONValue] {
    try descend()
    var elements: [JSONValue] = []
    if !skip(UInt8(ascii: "]")) {
      repeat { elements.append(try value()) } while skip(UInt8(ascii: ","))
      try expect(UInt8(ascii: "]"))
    }
    depth -= 1
    return elements
  }

  mutating func object() throws(WireError) -> JSONObject {
    try descend()
    var members: [JSONObject.Member] = []
    if !skip(UInt8(ascii: "}")) {
      repeat {
        skipWhitespace()
        let name = try string()
        skipWhitespace()
        try expect(UInt8(ascii: ":"))
        members.append(JSONObject.Member(name: name, value: try value()))
      } while skip(UInt8(ascii: ","))
      try expect(UInt8(ascii: "}"))
    }
    depth -= 1
    return JSONObject(deduplicating: members)
  }
}
