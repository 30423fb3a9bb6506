// SPDX-License-Identifier: Apache-2.0

/// Base64 as protobuf JSON has it: written in the standard alphabet with padding; read in the
/// standard and the URL-safe alphabet, mixed or not, padded or not.
///
/// Twenty milliseconds of audio are 640 to 960 bytes, so these are the hottest loops of the wire.
/// Both go through tables; vectors of the standard library were tried and were fifty times slower.
enum Base64 {
  /// Number of characters, padding included, that `count` bytes take.
  static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Writes the base64 of `data` to `output`, which must have room for ``encodedCount(_:)``.
  static func encode(
    _ data: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) {
    var read = 0
    var written = 0
    pairs.withUnsafeBufferPointer { pairs in
      // Six bytes become eight characters; eight are loaded, so two must follow.
      while data.count - read >= 8 {
        let group = UInt64(bigEndian: data.loadUnaligned(fromByteOffset: read, as: UInt64.self))
        let characters =
          UInt64(pairs[Int(group >> 52)]) | UInt64(pairs[Int(group >> 40 & 0xFFF)]) << 16
          | UInt64(pairs[Int(group >> 28 & 0xFFF)]) << 32
          | UInt64(pairs[Int(group >> 16 & 0xFFF)]) << 48
        output.storeBytes(of: characters.littleEndian, toByteOffset: written, as: UInt64.self)
        read += 6
        written += 8
      }
    }
    while read < data.count {
      let length = min(3, data.count - read)
      var group: UInt32 = 0
      for offset in 0..<3 {
        group = group << 8 | UInt32(offset < length ? data[read + offset] : 0)
      }
      for offset in 0..<4 {
        let sextet = Int(group >> UInt32(18 - 6 * offset) & 63)
        output[written + offset] = offset <= length ? character(sextet) : UInt8(ascii: "=")
      }
      read += length
      written += 4
    }
  }

  /// The bytes that `text` spells, or nil if it is not base64 of either alphabet.
  static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    var count = text.count
    var padding = 0
    while padding < 2, count > 0, text[count - 1] == UInt8(ascii: "=") {
      count -= 1
      padding += 1
    }
    let tail = count % 4
    guard tail != 1, padding == 0 || (count + padding) % 4 == 0 else { return nil }
    let size = count / 4 * 3 + (tail == 0 ? 0 : tail - 1)
    var isValid = true
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, initialized in
      isValid = decode(
        UnsafeRawBufferPointer(rebasing: text[..<count]),
        into: UnsafeMutableRawBufferPointer(buffer))
      initialized = isValid ? size : 0
    }
    return isValid ? bytes : nil
  }

  /// Reads text without padding; `output` has exactly the room that it takes.
  private static func decode(
    _ text: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Bool {
    var read = 0
    var written = 0
    var seen: UInt32 = 0
    groups.withUnsafeBufferPointer { groups in
      // Eight characters become six bytes; eight are stored, and the next store mends the last two.
      while text.count - read >= 8, output.count - written >= 8 {
        let eight = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: read, as: UInt64.self))
        let first = group(UInt32(truncatingIfNeeded: eight), groups)
        let second = group(UInt32(truncatingIfNeeded: eight >> 32), groups)
        seen |= first | second
        let six = UInt64(first & 0xFF_FFFF) | UInt64(second & 0xFF_FFFF) << 24
        output.storeBytes(of: six.littleEndian, toByteOffset: written, as: UInt64.self)
        read += 8
        written += 6
      }
      while read < text.count {
        let length = min(4, text.count - read)
        var group: UInt32 = 0
        for offset in 0..<length { group |= groups[256 * offset + Int(text[read + offset])] }
        seen |= group
        for offset in 0..<(length - 1) where written < output.count {
          output[written] = UInt8(truncatingIfNeeded: group >> UInt32(8 * offset))
          written += 1
        }
        read += length
      }
    }
    return seen & foreign == 0
  }

  /// The three bytes that four characters spell, the first one lowest.
  @inline(__always)
  private static func group(_ four: UInt32, _ groups: UnsafeBufferPointer<UInt32>) -> UInt32 {
    groups[Int(four & 0xFF)] | groups[256 + Int(four >> 8 & 0xFF)]
      | groups[512 + Int(four >> 16 & 0xFF)] | groups[768 + Int(four >> 24)]
  }

  /// Marks a character that is in no alphabet.
  private static let foreign: UInt32 = 1 << 31

  private static func character(_ sextet: Int) -> UInt8 {
    let sextet = UInt8(truncatingIfNeeded: sextet)
    return switch sextet {
    case 0..<26: sextet + UInt8(ascii: "A")
    case 26..<52: sextet - 26 + UInt8(ascii: "a")
    case 52..<62: sextet - 52 + UInt8(ascii: "0")
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  private static func sextet(_ character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }

  /// For each value of twelve bits its two characters, the first one lowest.
  private static let pairs: [UInt16] = (0..<4096).map { value in
    UInt16(character(value >> 6)) | UInt16(character(value & 63)) << 8
  }

  /// For each place in a group of four, and each character there, its bits of the three bytes,
  /// the first byte lowest.
  private static let groups: [UInt32] = (0..<1024).map { entry in
    guard let sextet = sextet(UInt8(truncatingIfNeeded: entry)) else { return foreign }
    let bits = sextet << UInt32(18 - 6 * (entry / 256))
    return bits >> 16 | bits & 0xFF00 | (bits & 0xFF) << 16
  }
}
