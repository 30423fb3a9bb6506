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
    let rounds = text.count / 8
    guard rounds > 0, let source = text.baseAddress, let target = output.baseAddress else {
      return decodeRest(text, 0, output, 0)
    }
    let isForeign = duos.withUnsafeBufferPointer { duos in
      guard let duos = duos.baseAddress else { return true }
      return decode(rounds, source, target, duos)
    }
    return !isForeign && decodeRest(text, rounds * 8, output, rounds * 6)
  }

  /// Reads eight characters a round, one or more rounds, and answers whether one of them was foreign to base64.
  @inline(__always)
  private static func decode(
    _ rounds: Int, _ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer,
    _ duos: UnsafePointer<UInt16>
  ) -> Bool {
    var source = source
    var target = target
    var seen = Seen()
    // Eight characters become six bytes; eight are stored, and the next round mends the last two.
    for _ in 1..<rounds {
      target.storeBytes(of: six(source, duos, &seen).bigEndian, as: UInt64.self)
      source += 8
      target += 6
    }
    let last = six(source, duos, &seen)
    target.storeBytes(of: UInt32(truncatingIfNeeded: last >> 32).bigEndian, as: UInt32.self)
    (target + 4).storeBytes(of: UInt16(truncatingIfNeeded: last >> 16).bigEndian, as: UInt16.self)
    return seen.characters & 0x8080_8080_8080_8080 != 0 || seen.pairs & foreign != 0
  }

  /// All characters and pairs that were read, one over the other.
  private struct Seen {
    var characters: UInt64 = 0
    var pairs: UInt16 = 0
  }

  /// The six bytes that the next eight characters spell, highest first, above two of zero.
  @inline(__always)
  private static func six(
    _ source: UnsafeRawPointer, _ duos: UnsafePointer<UInt16>, _ seen: inout Seen
  ) -> UInt64 {
    let eight = UInt64(littleEndian: source.loadUnaligned(as: UInt64.self))
    let four = places(eight)
    let first = duos[Int(UInt16(truncatingIfNeeded: four))]
    let second = duos[Int(UInt16(truncatingIfNeeded: four >> 16))]
    let third = duos[Int(UInt16(truncatingIfNeeded: four >> 32))]
    let fourth = duos[Int(UInt16(truncatingIfNeeded: four >> 48))]
    seen.characters |= eight
    seen.pairs |= first | second | third | fourth
    let high = UInt64(first) << 52 | UInt64(second) << 40
    return high | UInt64(third) << 28 | UInt64(fourth) << 16
  }

  /// Reads what is left, one group of up to four characters after the other.
  private static func decodeRest(
    _ text: UnsafeRawBufferPointer, _ begin: Int, _ output: UnsafeMutableRawBufferPointer,
    _ room: Int
  ) -> Bool {
    var read = begin
    var written = room
    while read < text.count {
      let length = min(4, text.count - read)
      var group: UInt32 = 0
      for offset in 0..<length {
        guard let sextet = sextet(text[read + offset]) else { return false }
        group |= sextet << UInt32(18 - 6 * offset)
      }
      for offset in 0..<(length - 1) where written < output.count {
        output[written] = UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * offset))
        written += 1
      }
      read += length
    }
    return true
  }

  /// Where the four pairs among eight characters stand in ``duos``: in each two bytes the first
  /// character's seven bits, below those of the second.
  @inline(__always)
  private static func places(_ eight: UInt64) -> UInt64 {
    eight & 0x007F_007F_007F_007F | eight >> 1 & 0x3F80_3F80_3F80_3F80
  }

  /// Marks a pair with a character that is in no alphabet.
  private static let foreign: UInt16 = 1 << 15

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

  /// For each pair of characters, seven bits each, the first one lowest, its twelve bits.
  private static let duos: [UInt16] = (0..<0x4000).map { pair in
    guard let first = sextet(UInt8(pair & 0x7F)), let second = sextet(UInt8(pair >> 7)) else {
      return foreign
    }
    return UInt16(first << 6 | second)
  }
}
