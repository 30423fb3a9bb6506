// SPDX-License-Identifier: Apache-2.0

/// Writes JSON text into memory that is already there.
///
/// What does not fit is only counted, so that a second run can be given the room: nothing is moved
/// while writing, and no buffer grows.
struct ByteWriter {
  private let output: UnsafeMutableRawPointer?
  private let capacity: Int
  private(set) var count = 0
  /// Whether the object that is being written has no member yet.
  var isFirstMember = true

  private init(_ output: UnsafeMutableBufferPointer<UInt8>) {
    self.output = output.baseAddress.map(UnsafeMutableRawPointer.init)
    capacity = output.count
  }

  /// The bytes that `body` writes. It runs a second time if they are more than `expected`, and must
  /// then write the same again.
  @inline(__always)
  static func bytes(expected: Int, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
    var needed = 0
    var room = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: expected) { buffer, count in
      var writer = ByteWriter(buffer)
      body(&writer)
      needed = writer.count
      room = buffer.count
      count = needed <= room ? needed : 0
    }
    return needed <= room ? bytes : rewritten(count: needed, body)
  }

  @inline(never)
  private static func rewritten(count: Int, _ body: (inout ByteWriter) -> Void) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      var writer = ByteWriter(buffer)
      body(&writer)
      initialized = min(writer.count, buffer.count)
    }
  }

  // MARK: As it is

  /// Writes one byte as it is.
  @inline(__always)
  mutating func raw(_ byte: UInt8) {
    if count < capacity { output?.storeBytes(of: byte, toByteOffset: count, as: UInt8.self) }
    count += 1
  }

  /// Writes bytes as they are.
  @inline(__always)
  mutating func raw(_ bytes: UnsafeRawBufferPointer) {
    if capacity - count >= bytes.count, let start = bytes.baseAddress {
      output?.advanced(by: count).copyMemory(from: start, byteCount: bytes.count)
    }
    count += bytes.count
  }

  /// Writes text as it is; for punctuation and names that need no escapes.
  @inline(__always)
  mutating func raw(_ text: StaticString) {
    raw(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Writes bytes as they are.
  mutating func raw(_ bytes: [UInt8]) { bytes.withUnsafeBytes { raw($0) } }

  /// Writes ASCII text as it is; for numbers.
  mutating func raw(ascii text: String) {
    for byte in text.utf8 { raw(byte) }
  }

  /// Starts a member of the current object: a comma unless it is the first, its name, a colon. The
  /// name must need no escapes.
  @inline(__always)
  mutating func name(_ name: StaticString) {
    separateMember()
    raw(UInt8(ascii: "\""))
    raw(name)
    raw("\":")
  }

  /// Writes a comma unless the next member is the first.
  @inline(__always)
  mutating func separateMember() {
    if !isFirstMember { raw(UInt8(ascii: ",")) }
    isFirstMember = false
  }

  /// Writes an object whose members `body` writes.
  @inline(__always)
  mutating func object(_ body: (inout ByteWriter) -> Void) {
    let outer = isFirstMember
    isFirstMember = true
    raw(UInt8(ascii: "{"))
    body(&self)
    raw(UInt8(ascii: "}"))
    isFirstMember = outer
  }

  /// Writes a list whose elements `element` writes.
  @inline(__always)
  mutating func list<T>(_ elements: [T], _ element: (inout ByteWriter, T) -> Void) {
    raw(UInt8(ascii: "["))
    for index in elements.indices {
      if index > 0 { raw(UInt8(ascii: ",")) }
      element(&self, elements[index])
    }
    raw(UInt8(ascii: "]"))
  }

  /// Writes base64 of `data` with its quotes.
  mutating func base64(_ data: [UInt8]) {
    raw(UInt8(ascii: "\""))
    let size = Base64.encodedCount(data.count)
    if capacity - count >= size, let output {
      let room = UnsafeMutableRawBufferPointer(start: output.advanced(by: count), count: size)
      data.withUnsafeBytes { Base64.encode($0, into: room) }
    }
    count += size
    raw(UInt8(ascii: "\""))
  }

  // MARK: Strings

  /// Writes a string with its quotes, escaped as JSON demands.
  mutating func string(_ text: String) {
    if text.utf8.withContiguousStorageIfAvailable({ string(utf8: .init($0)) }) == nil {
      string(utf8Bytes: Array(text.utf8))
    }
  }

  private mutating func string(utf8Bytes: [UInt8]) {
    utf8Bytes.withUnsafeBytes { string(utf8: $0) }
  }

  /// Writes a string from its UTF-8 bytes, with its quotes, escaped as JSON demands.
  mutating func string(utf8: UnsafeRawBufferPointer) {
    raw(UInt8(ascii: "\""))
    var index = 0
    while index < utf8.count {
      let end = JSONParser.endOfPlainRun(utf8, from: index)
      raw(UnsafeRawBufferPointer(rebasing: utf8[index..<end]))
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

  // MARK: Any value

  /// Writes any JSON value.
  mutating func value(_ value: JSONValue) {
    switch value {
    case .null: raw("null")
    case .bool(let flag): flag ? raw("true") : raw("false")
    case .integer(let integer): raw(ascii: String(integer))
    case .number(let number): number.isFinite ? raw(ascii: number.description) : raw("null")
    case .string(let text): string(text)
    case .array(let elements): list(elements) { $0.value($1) }
    case .object(let object): self.object { $0.members(of: object) }
    }
  }

  /// Writes the members of a free-form object into the current one.
  mutating func members(of object: JSONObject) {
    for member in object.members {
      separateMember()
      string(member.name)
      raw(UInt8(ascii: ":"))
      value(member.value)
    }
  }
}
