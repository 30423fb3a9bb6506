// SPDX-License-Identifier: Apache-2.0

/// Collects the bytes of a JSON text.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 0) {
    if capacity > 0 { bytes.reserveCapacity(capacity) }
  }

  /// Writes one byte as it is.
  @inline(__always)
  mutating func raw(_ byte: UInt8) { bytes.append(byte) }

  /// Writes text as it is; for punctuation, numbers and names that need no escapes.
  @inline(__always)
  mutating func raw(_ text: StaticString) {
    bytes.append(
      contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Writes bytes as they are.
  @inline(__always)
  mutating func raw(_ other: UnsafeRawBufferPointer) { bytes.append(contentsOf: other) }

  /// Writes bytes as they are.
  mutating func raw(_ other: [UInt8]) { bytes.append(contentsOf: other) }

  /// Writes ASCII text as it is; for numbers.
  mutating func raw(ascii text: String) { bytes.append(contentsOf: text.utf8) }

  /// Writes a member's name and its colon; the name must need no escapes.
  @inline(__always)
  mutating func name(_ name: String) {
    raw(UInt8(ascii: "\""))
    bytes.append(contentsOf: name.utf8)
    raw("\":")
  }

  /// Writes a string with its quotes, escaped as JSON demands.
  mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { string(utf8: UnsafeRawBufferPointer($0)) }
  }

  /// Writes a string from its UTF-8 bytes, with its quotes, escaped as JSON demands.
  mutating func string(utf8: UnsafeRawBufferPointer) {
    raw(UInt8(ascii: "\""))
    var index = 0
    while index < utf8.count {
      let end = JSONParser.endOfPlainRun(utf8, from: index)
      bytes.append(contentsOf: utf8[index..<end])
      index = end
      if index < utf8.count {
        escape(utf8[index])
        index += 1
      }
    }
    raw(UInt8(ascii: "\""))
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): raw("\\\"")
    case UInt8(ascii: "\\"): raw("\\\\")
    case 0x08: raw("\\b")
    case 0x0C: raw("\\f")
    case 0x0A: raw("\\n")
    case 0x0D: raw("\\r")
    case 0x09: raw("\\t")
    default:
      raw("\\u00")
      raw(Self.hexDigit(byte >> 4))
      raw(Self.hexDigit(byte & 0xF))
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  /// Writes base64 of `data` with its quotes.
  mutating func base64(_ data: [UInt8]) {
    raw(UInt8(ascii: "\""))
    Base64.append(data, to: &bytes)
    raw(UInt8(ascii: "\""))
  }

  /// Writes any JSON value.
  mutating func value(_ value: JSONValue) {
    switch value {
    case .null: raw("null")
    case .bool(let flag): flag ? raw("true") : raw("false")
    case .integer(let integer): raw(ascii: String(integer))
    case .number(let number): number.isFinite ? raw(ascii: number.description) : raw("null")
    case .string(let text): string(text)
    case .array(let elements):
      raw(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { raw(UInt8(ascii: ",")) }
        self.value(element)
      }
      raw(UInt8(ascii: "]"))
    case .object(let object):
      raw(UInt8(ascii: "{"))
      for (index, member) in object.members.enumerated() {
        if index > 0 { raw(UInt8(ascii: ",")) }
        string(member.name)
        raw(UInt8(ascii: ":"))
        self.value(member.value)
      }
      raw(UInt8(ascii: "}"))
    }
  }
}
