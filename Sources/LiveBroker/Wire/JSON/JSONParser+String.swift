// SPDX-License-Identifier: Apache-2.0

extension JSONParser {
  /// Reads a string, quotes included. The result is valid Unicode.
  mutating func string() throws(WireError) -> String {
    try expect(UInt8(ascii: "\""))
    let start = index
    index = Self.endOfPlainRun(bytes, from: index)
    guard index < bytes.count else { throw unexpected() }
    if bytes[index] == UInt8(ascii: "\"") {
      defer { index += 1 }
      return try Self.text(UnsafeRawBufferPointer(rebasing: bytes[start..<index]), at: start)
    }
    return try escapedString(from: start)
  }

  /// First index at or after `start` of a quote, a backslash or a control character, or the end.
  ///
  /// Looks at eight bytes at a time: most strings are long runs of base64.
  @inline(__always)
  static func endOfPlainRun(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
    var index = start
    while bytes.count - index >= 8 {
      let word = UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      let stops = stopBytes(word)
      if stops != 0 { return index + stops.trailingZeroBitCount / 8 }
      index += 8
    }
    while index < bytes.count {
      let byte = bytes[index]
      if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return index }
      index += 1
    }
    return index
  }

  /// The lowest set bit marks the first byte that is a quote, a backslash or a control character.
  @inline(__always)
  private static func stopBytes(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5C)
    let found =
      ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
      | ((word &- (ones &* 0x20)) & ~word)
    return found & (ones &* 0x80)
  }

  /// Checked text of a run without escapes.
  private static func text(
    _ run: UnsafeRawBufferPointer, at offset: Int
  ) throws(WireError) -> String {
    guard let text = String(validating: run, as: UTF8.self) else {
      throw WireError(.invalidUTF8, offset: offset)
    }
    return text
  }

  private mutating func escapedString(from start: Int) throws(WireError) -> String {
    var unescaped = [UInt8](bytes[start..<index])
    while true {
      guard index < bytes.count else { throw unexpected() }
      switch bytes[index] {
      case UInt8(ascii: "\""):
        index += 1
        guard let text = String(validating: unescaped, as: UTF8.self) else {
          throw WireError(.invalidUTF8, offset: start)
        }
        return text
      case UInt8(ascii: "\\"):
        index += 1
        try escape(into: &unescaped)
      case 0..<0x20:
        throw WireError(.invalidString, offset: index)
      default:
        let runStart = index
        index = Self.endOfPlainRun(bytes, from: index)
        unescaped.append(contentsOf: bytes[runStart..<index])
      }
    }
  }

  private mutating func escape(into unescaped: inout [UInt8]) throws(WireError) {
    guard index < bytes.count else { throw unexpected() }
    let byte = bytes[index]
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
    case UInt8(ascii: "b"): unescaped.append(0x08)
    case UInt8(ascii: "f"): unescaped.append(0x0C)
    case UInt8(ascii: "n"): unescaped.append(0x0A)
    case UInt8(ascii: "r"): unescaped.append(0x0D)
    case UInt8(ascii: "t"): unescaped.append(0x09)
    case UInt8(ascii: "u"):
      index += 1
      let scalar = try unicodeEscape()
      unescaped.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      return
    default: throw WireError(.invalidString, offset: index)
    }
    index += 1
  }

  /// Reads what follows `\u`. A surrogate without its partner becomes U+FFFD, as in most readers.
  private mutating func unicodeEscape() throws(WireError) -> Unicode.Scalar {
    let first = try fourHexDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xDC00, bytes.count - index >= 6, bytes[index] == UInt8(ascii: "\\"),
      bytes[index + 1] == UInt8(ascii: "u")
    else { return "\u{FFFD}" }
    let beforeSecond = index
    index += 2
    let second = try fourHexDigits()
    guard (0xDC00...0xDFFF).contains(second) else {
      index = beforeSecond
      return "\u{FFFD}"
    }
    return Unicode.Scalar(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)) ?? "\u{FFFD}"
  }

  private mutating func fourHexDigits() throws(WireError) -> UInt32 {
    guard bytes.count - index >= 4 else {
      throw WireError(.unexpectedEnd, offset: bytes.count)
    }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt8
      switch bytes[index] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[index] - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[index] - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[index] - UInt8(ascii: "A") + 10
      default: throw WireError(.invalidString, offset: index)
      }
      value = value << 4 | UInt32(digit)
      index += 1
    }
    return value
  }
}
