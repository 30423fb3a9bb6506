// SPDX-License-Identifier: Apache-2.0

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Walks over the bytes of a frame whose shape is expected, without building anything in between.
///
/// A scanner takes what it knows exactly and answers nil for everything else: an unknown or
/// repeated name, an escape in a name, `null`, a mistake of any kind. Its caller then reads the same
/// bytes with the full decoder, which decides what they mean. So a scanner may give up as it likes,
/// but must never read a frame otherwise than the full decoder would.
struct FrameScanner {
  let bytes: UnsafeRawBufferPointer
  var index = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Whether only whitespace is left.
  mutating func isAtEnd() -> Bool {
    skipWhitespace()
    return index == bytes.count
  }

  @inline(__always)
  mutating func skipWhitespace() {
    while index < bytes.count {
      let byte = bytes[index]
      // Everything from space upwards but the space itself is content.
      if byte > 0x20 { return }
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      index += 1
    }
  }

  /// Consumes `byte` if it is next, after whitespace.
  @inline(__always)
  mutating func skip(_ byte: UInt8) -> Bool {
    skipWhitespace()
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  /// Reads the members of an object; `member` consumes each value, and answers whether it could.
  @inline(__always)
  mutating func object(_ member: (inout FrameScanner, Name) -> Bool) -> Bool {
    guard skip(UInt8(ascii: "{")) else { return false }
    if skip(UInt8(ascii: "}")) { return true }
    repeat {
      guard let name = name(), member(&self, name) else { return false }
    } while skip(UInt8(ascii: ","))
    return skip(UInt8(ascii: "}"))
  }

  /// Reads the elements of a list, which must not be empty.
  @inline(__always)
  mutating func list(_ element: (inout FrameScanner) -> Bool) -> Bool {
    guard skip(UInt8(ascii: "[")) else { return false }
    repeat {
      guard element(&self) else { return false }
    } while skip(UInt8(ascii: ","))
    return skip(UInt8(ascii: "]"))
  }

  /// Consumes an object without members.
  mutating func emptyObject() -> Bool {
    skip(UInt8(ascii: "{")) && skip(UInt8(ascii: "}"))
  }

  /// A member's name, where it stands in the frame.
  struct Name {
    let bytes: UnsafeRawBufferPointer

    @inline(__always)
    static func ~= (name: StaticString, candidate: Name) -> Bool {
      let count = name.utf8CodeUnitCount
      guard candidate.bytes.count == count else { return false }
      let start = name.utf8Start
      // Without an early exit: the count is a constant, so this becomes a few wide comparisons.
      var difference: UInt8 = 0
      for offset in 0..<count { difference |= candidate.bytes[offset] ^ start[offset] }
      return difference == 0
    }
  }

  @inline(__always)
  private mutating func name() -> Name? {
    guard let run = plainString(), skip(UInt8(ascii: ":")) else { return nil }
    return Name(bytes: run)
  }

  /// The bytes between the quotes of a string without escapes.
  @inline(__always)
  mutating func plainString() -> UnsafeRawBufferPointer? {
    guard skip(UInt8(ascii: "\"")) else { return nil }
    let end = JSONParser.endOfPlainRun(bytes, from: index)
    guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return nil }
    defer { index = end + 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[index..<end])
  }

  /// The bytes between the quotes of a string that is expected to be base64. Only the closing quote
  /// is looked for, since anything else that JSON forbids is foreign to base64 too.
  @inline(__always)
  mutating func base64Run() -> UnsafeRawBufferPointer? {
    guard skip(UInt8(ascii: "\"")), let base = bytes.baseAddress,
      let quote = memchr(base + index, 0x22, bytes.count - index)
    else { return nil }
    let end = UnsafeRawPointer(quote) - base
    defer { index = end + 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[index..<end])
  }

  /// A string, escapes and all, as the full decoder reads it.
  mutating func string() -> String? {
    skipWhitespace()
    var parser = JSONParser(bytes, at: index)
    guard let text = try? parser.string() else { return nil }
    index = parser.index
    return text
  }

  mutating func bool(into flag: inout Bool) -> Bool {
    skipWhitespace()
    if skipWord("true") {
      flag = true
      return true
    }
    flag = false
    return skipWord("false")
  }

  private mutating func skipWord(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - index >= count else { return false }
    let start = word.utf8Start
    for offset in 0..<count where bytes[index + offset] != start[offset] { return false }
    index += count
    return true
  }

  /// A short decimal integer, bare or in quotes, as int64 fields have it.
  mutating func integer() -> Int64? {
    if skip(UInt8(ascii: "\"")) {
      guard let value = digits(), index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
        return nil
      }
      index += 1
      return value
    }
    guard let value = digits() else { return nil }
    // A fraction, an exponent or more digits: not for us.
    guard skipsToDelimiter() else { return nil }
    return value
  }

  private mutating func skipsToDelimiter() -> Bool {
    skipWhitespace()
    guard index < bytes.count else { return false }
    return bytes[index] == UInt8(ascii: ",") || bytes[index] == UInt8(ascii: "}")
  }

  private mutating func digits() -> Int64? {
    let start = index
    var value: Int64 = 0
    while index < bytes.count, index - start < 18 {
      let digit = bytes[index] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      value = value * 10 + Int64(digit)
      index += 1
    }
    let count = index - start
    guard count > 0, count == 1 || bytes[start] != UInt8(ascii: "0") else { return nil }
    return value
  }
}
