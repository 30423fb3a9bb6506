// SPDX-License-Identifier: Apache-2.0

/// The two spellings of a field's name.
enum FieldName {
  /// Whether `spelled` is `name` in camelCase or in snake_case.
  @inline(__always)
  static func matches(_ spelled: String, _ name: StaticString) -> Bool {
    matches(
      spelled, UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
  }

  /// Whether `spelled` is `name` in camelCase or in snake_case.
  static func matches(_ spelled: String, _ name: String) -> Bool {
    var name = name
    return name.withUTF8 { matches(spelled, $0) }
  }

  @inline(__always)
  private static func matches(_ spelled: String, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
    let count = spelled.utf8.count
    // Not even an underscore before every letter makes it longer; a peer may send any name.
    guard count >= name.count, count <= 2 * name.count else { return false }
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
