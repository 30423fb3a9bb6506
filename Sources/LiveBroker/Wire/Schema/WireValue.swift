// SPDX-License-Identifier: Apache-2.0

/// A value of a protobuf JSON field: how it is read from JSON and written to it.
protocol WireValue: Sendable, Hashable {
  /// Reads a present, non-null value.
  static func readWire(_ json: JSONValue) throws(WireError) -> Self
  /// Mutating only so that messages need not be copied to be visited; nothing changes.
  mutating func writeWire(to writer: inout ByteWriter)
  /// Whether this is the type's default in protobuf, which is left out where absence means the same.
  var isWireDefault: Bool { get }
}

extension String: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> String {
    guard case .string(let text) = json else { throw WireError(.typeMismatch) }
    return text
  }
  func writeWire(to writer: inout ByteWriter) { writer.string(self) }
  var isWireDefault: Bool { isEmpty }
}

extension Bool: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> Bool {
    guard case .bool(let flag) = json else { throw WireError(.typeMismatch) }
    return flag
  }
  func writeWire(to writer: inout ByteWriter) { self ? writer.raw("true") : writer.raw("false") }
  var isWireDefault: Bool { !self }
}

/// int32 of the protocol: a number. Also read from a string, as protobuf JSON allows, and with 64
/// bits: a count that a service lets grow costs no message. What we send is held to 32 bits by
/// ``Setup/validate()``.
extension Int: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> Int {
    guard let value = Int(exactly: try Int64.readWire(json)) else { throw WireError(.outOfRange) }
    return value
  }
  func writeWire(to writer: inout ByteWriter) { writer.raw(ascii: String(self)) }
  var isWireDefault: Bool { self == 0 }
}

/// int64 of the protocol: written as a string, read from a string or a number.
extension Int64: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> Int64 {
    switch json {
    case .integer(let value): return value
    case .number(let value):
      guard let integer = Int64(integral: value) else { throw WireError(.outOfRange) }
      return integer
    case .string(let text):
      guard let number = text.parsedAsNumber else { throw WireError(.typeMismatch) }
      return try readWire(number)
    default: throw WireError(.typeMismatch)
    }
  }
  func writeWire(to writer: inout ByteWriter) {
    writer.raw(UInt8(ascii: "\""))
    writer.raw(ascii: String(self))
    writer.raw(UInt8(ascii: "\""))
  }
  var isWireDefault: Bool { self == 0 }
}

extension Double: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> Double {
    switch json {
    case .integer(let value): return Double(value)
    case .number(let value): return value
    case .string("NaN"): return .nan
    case .string("Infinity"): return .infinity
    case .string("-Infinity"): return -.infinity
    case .string(let text):
      guard let number = text.parsedAsNumber?.doubleValue else { throw WireError(.typeMismatch) }
      return number
    default: throw WireError(.typeMismatch)
    }
  }
  func writeWire(to writer: inout ByteWriter) {
    if isNaN {
      writer.raw("\"NaN\"")
    } else if isInfinite {
      self < 0 ? writer.raw("\"-Infinity\"") : writer.raw("\"Infinity\"")
    } else {
      // Integral values without a fraction: some fields are integers in one version of the API.
      writer.value(Int64(integral: self).map(JSONValue.integer) ?? .number(self))
    }
  }
  var isWireDefault: Bool { self == 0 }
}

extension String {
  /// The number that the text spells by the JSON grammar, if it is nothing else.
  fileprivate var parsedAsNumber: JSONValue? {
    var text = self
    return text.withUTF8 { bytes in
      var parser = JSONParser(UnsafeRawBufferPointer(bytes))
      guard let number = try? parser.number(), parser.index == bytes.count else { return nil }
      return number
    }
  }
}

extension Duration: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> Duration {
    try WireDuration.read(json)
  }
  func writeWire(to writer: inout ByteWriter) { writer.string(WireDuration.text(self)) }
  var isWireDefault: Bool { self == .zero }
}

extension WallTime: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> WallTime {
    guard let time = WallTime(rfc3339: try String.readWire(json)) else {
      throw WireError(.invalidTimestamp)
    }
    return time
  }
  func writeWire(to writer: inout ByteWriter) { writer.string(rfc3339) }
  var isWireDefault: Bool { false }
}

extension Secret: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> Secret {
    Secret(try String.readWire(json))
  }
  func writeWire(to writer: inout ByteWriter) {
    withUnsafeBytes { writer.string(utf8: $0) }
  }
  var isWireDefault: Bool { count == 0 }
}

extension JSONValue: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> JSONValue { json }
  func writeWire(to writer: inout ByteWriter) { writer.value(self) }
  var isWireDefault: Bool { self == .null }
}

extension JSONObject: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> JSONObject {
    guard case .object(let object) = json else { throw WireError(.typeMismatch) }
    return object
  }
  func writeWire(to writer: inout ByteWriter) { writer.value(.object(self)) }
  var isWireDefault: Bool { isEmpty }
}

extension Array: WireValue where Element: WireValue {
  static func readWire(_ json: JSONValue) throws(WireError) -> [Element] {
    guard case .array(let elements) = json else { throw WireError(.typeMismatch) }
    var result: [Element] = []
    result.reserveCapacity(elements.count)
    for (index, element) in elements.enumerated() {
      do { result.append(try Element.readWire(element)) } catch {
        throw error.within(index: index)
      }
    }
    return result
  }
  func writeWire(to writer: inout ByteWriter) {
    writer.list(self) { writer, element in
      var element = element
      element.writeWire(to: &writer)
    }
  }
  var isWireDefault: Bool { isEmpty }
}
