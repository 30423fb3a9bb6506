// SPDX-License-Identifier: Apache-2.0

/// Takes the fields of a message out of a JSON object. Null is absence; names are read in camelCase
/// and snake_case (live-api.md C.1), and only where the schema names them.
struct FieldReader: FieldVisitor {
  private var object: JSONObject

  init(_ object: JSONObject) { self.object = object }

  /// Takes the member of that name, in either spelling; the last one that is not null counts.
  private mutating func take(_ name: StaticString) -> JSONValue? {
    var found: JSONValue?
    for index in object.members.indices
    where FieldName.matches(object.members[index].name, name) {
      let value = object.take(at: index)
      if case .null = value { continue }
      found = value
    }
    return found
  }

  private func read<T: WireValue>(_ name: StaticString, _ json: JSONValue) throws(WireError) -> T {
    do { return try T.readWire(json) } catch { throw error.within(name.description) }
  }

  mutating func field<T: WireValue>(_ name: StaticString, _ value: inout T?) throws(WireError) {
    guard let json = take(name) else { return }
    value = try read(name, json)
  }

  mutating func field<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError) {
    guard let json = take(name) else { return }
    value = try read(name, json)
  }

  mutating func presentList<T: WireValue>(
    _ name: StaticString, _ value: inout [T]
  ) throws(WireError) {
    try field(name, &value)
  }

  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    var optional: [UInt8]?
    try bytes(name, &optional)
    value = optional ?? value
  }

  mutating func bytes(_ name: StaticString, _ value: inout [UInt8]?) throws(WireError) {
    guard let json = take(name) else { return }
    guard case .string(var text) = json else {
      throw WireError(.typeMismatch, path: name.description)
    }
    guard let bytes = text.withUTF8({ Base64.decode(UnsafeRawBufferPointer($0)) }) else {
      throw WireError(.invalidBase64, path: name.description)
    }
    value = bytes
  }

  mutating func mark(_ name: StaticString, _ value: inout Bool) throws(WireError) {
    guard let json = take(name) else { return }
    guard case .object = json else { throw WireError(.typeMismatch, path: name.description) }
    value = true
  }

  mutating func tolerant<T: WireValue>(_ name: StaticString, _ value: inout T?) throws(WireError) {
    guard let json = take(name) else { return }
    value = try? T.readWire(json)
    if value == nil { object[name.description] = json }
  }

  mutating func nonEmpty<T: WireValue>(_ name: StaticString, _ value: inout T?) throws(WireError) {
    try field(name, &value)
    if let read = value, read.isWireDefault { value = nil }
  }

  mutating func alias<T: WireValue>(_ name: StaticString, _ value: inout T) throws(WireError) {
    guard let json = take(name), value.isWireDefault else { return }
    value = try read(name, json)
  }

  mutating func rarely<F: FieldGroup>(_ group: inout Rarely<F>) throws(WireError) {
    var fields = F()
    try fields.visitFields(&self)
    group.fields = fields
  }

  mutating func unknown(_ members: inout JSONObject) throws(WireError) {
    object.removeNulls()
    members = object
  }
}

/// The two spellings of a field's name.
enum FieldName {
  /// Whether `spelled` is `name` in camelCase or in snake_case.
  @inline(__always)
  static func matches(_ spelled: String, _ name: StaticString) -> Bool {
    let name = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    let count = spelled.utf8.count
    guard count >= name.count else { return false }
    if count == name.count {
      return spelled.utf8.withContiguousStorageIfAvailable { matchesExactly($0, name) }
        ?? spelled.utf8.elementsEqual(name)
    }
    return spelled.utf8.contains(UInt8(ascii: "_")) && matchesSnakeCase(spelled.utf8, name)
  }

  @inline(__always)
  private static func matchesExactly(
    _ spelled: UnsafeBufferPointer<UInt8>, _ name: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    for index in 0..<name.count where spelled[index] != name[index] { return false }
    return true
  }

  private static func matchesSnakeCase(
    _ spelled: String.UTF8View, _ name: UnsafeBufferPointer<UInt8>
  ) -> Bool {
    var camel = name.makeIterator()
    var afterUnderscore = false
    for byte in spelled {
      if byte == UInt8(ascii: "_"), !afterUnderscore {
        afterUnderscore = true
        continue
      }
      let isLower = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")
      let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
      guard !isUpper, !afterUnderscore || isLower,
        camel.next() == (afterUnderscore ? byte - 32 : byte)
      else { return false }
      afterUnderscore = false
    }
    return !afterUnderscore && camel.next() == nil
  }
}
