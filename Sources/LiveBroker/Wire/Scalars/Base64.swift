// SPDX-License-Identifier: Apache-2.0

/// Base64 as protobuf JSON has it: written in the standard alphabet with padding; read in the
/// standard and the URL-safe alphabet, mixed or not, padded or not.
///
/// Twenty milliseconds of audio are 640 to 960 bytes, so this is the hottest loop of the wire: both
/// directions work on sixteen characters at a time with plain SIMD comparisons, without tables.
enum Base64 {
  private typealias Bytes16 = SIMD16<Int8>
  private typealias Mask16 = SIMDMask<Bytes16>

  // MARK: Writing

  /// Number of characters, padding included, that `count` bytes take.
  static func encodedCount(_ count: Int) -> Int { (count + 2) / 3 * 4 }

  /// Appends the base64 of `data`.
  static func append(_ data: [UInt8], to output: inout [UInt8]) {
    let encoded = [UInt8](unsafeUninitializedCapacity: encodedCount(data.count)) { buffer, count in
      count = data.withUnsafeBytes { encode($0, into: UnsafeMutableRawBufferPointer(buffer)) }
    }
    output.append(contentsOf: encoded)
  }

  /// Writes the base64 of `data` to the start of `output`, which must have room for
  /// ``encodedCount(_:)`` characters; answers how many were written.
  @inline(__always)
  static func encode(
    _ data: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
  ) -> Int {
    var read = 0
    var written = 0
    // Each step reads 16 bytes and uses 12.
    while data.count - read >= 16 {
      let input = data.loadUnaligned(fromByteOffset: read, as: SIMD16<UInt8>.self)
      let characters = characters(forSextets: sextets(of: input))
      output.storeBytes(of: characters, toByteOffset: written, as: Bytes16.self)
      read += 12
      written += 16
    }
    while data.count - read >= 3 {
      let group = UInt32(data[read]) << 16 | UInt32(data[read + 1]) << 8 | UInt32(data[read + 2])
      for shift: UInt32 in [18, 12, 6, 0] {
        output[written] = character(UInt8(truncatingIfNeeded: group >> shift & 63))
        written += 1
      }
      read += 3
    }
    if read < data.count {
      let second = read + 1 < data.count ? data[read + 1] : 0
      output[written] = character(data[read] >> 2)
      output[written + 1] = character((data[read] & 3) << 4 | second >> 4)
      output[written + 2] =
        read + 1 < data.count ? character((second & 15) << 2) : UInt8(ascii: "=")
      output[written + 3] = UInt8(ascii: "=")
      written += 4
    }
    return written
  }

  private static func character(_ sextet: UInt8) -> UInt8 {
    switch sextet {
    case 0..<26: sextet + UInt8(ascii: "A")
    case 26..<52: sextet - 26 + UInt8(ascii: "a")
    case 52..<62: sextet - 52 + UInt8(ascii: "0")
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  /// Splits the first 12 bytes into 16 values of six bits.
  @inline(__always)
  private static func sextets(of input: SIMD16<UInt8>) -> Bytes16 {
    // Each lane holds one group of three bytes, first byte highest.
    var lanes = SIMD4<UInt32>()
    for lane in 0..<4 {
      let high = UInt32(input[lane * 3]) << 16
      lanes[lane] = high | UInt32(input[lane * 3 + 1]) << 8 | UInt32(input[lane * 3 + 2])
    }
    let parts =
      (lanes &>> 18 & 0x3F) | (lanes &>> 4 & 0x3F00) | (lanes &<< 10 & 0x3F_0000)
      | (lanes &<< 24 & 0x3F00_0000)
    return unsafeBitCast(parts, to: Bytes16.self)
  }

  @inline(__always)
  private static func characters(forSextets sextets: Bytes16) -> Bytes16 {
    var offset = Bytes16(repeating: 65)
    offset.replace(with: 71, where: sextets .> 25)
    offset.replace(with: -4, where: sextets .> 51)
    offset.replace(with: -19, where: sextets .> 61)
    offset.replace(with: -16, where: sextets .> 62)
    return sextets &+ offset
  }

  // MARK: Reading

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
        into: UnsafeMutableRawBufferPointer(buffer), size: size)
      initialized = isValid ? size : 0
    }
    return isValid ? bytes : nil
  }

  @inline(__always)
  private static func decode(
    _ text: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, size: Int
  ) -> Bool {
    var read = 0
    var written = 0
    // Each step writes 13 bytes, of which the last is overwritten by the next.
    while text.count - read >= 16, size - written >= 13 {
      let characters = text.loadUnaligned(fromByteOffset: read, as: Bytes16.self)
      guard let sextets = sextets(forCharacters: characters) else { return false }
      store(sextets, to: output, at: written)
      read += 16
      written += 12
    }
    while read < text.count {
      let length = min(4, text.count - read)
      var group: UInt32 = 0
      for offset in 0..<4 {
        let sextet = offset < length ? sextet(text[read + offset]) : 0
        guard let sextet else { return false }
        group = group << 6 | UInt32(sextet)
      }
      for offset in 0..<(length - 1) {
        output[written] = UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * offset))
        written += 1
      }
      read += length
    }
    return true
  }

  private static func sextet(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }

  /// The values of sixteen characters, or nil if one is foreign. Bytes above 127 are negative here
  /// and match nothing.
  @inline(__always)
  private static func sextets(forCharacters text: Bytes16) -> Bytes16? {
    let upper = (text .> 64) .& (text .< 91)
    let lower = (text .> 96) .& (text .< 123)
    let digit = (text .> 47) .& (text .< 58)
    let plus = (text .== 43) .| (text .== 45)
    let slash = (text .== 47) .| (text .== 95)
    guard all(upper .| lower .| digit .| plus .| slash) else { return nil }
    var result = text &- 65
    result.replace(with: text &- 71, where: lower)
    result.replace(with: text &+ 4, where: digit)
    result.replace(with: 62, where: plus)
    result.replace(with: 63, where: slash)
    return result
  }

  /// Packs sixteen six-bit values to twelve bytes; writes one byte more.
  @inline(__always)
  private static func store(
    _ sextets: Bytes16, to output: UnsafeMutableRawBufferPointer, at offset: Int
  ) {
    let lanes = unsafeBitCast(sextets, to: SIMD4<UInt32>.self)
    let groups =
      (lanes &<< 26) | (lanes &<< 12 & 0x03F0_0000 &>> 0) | (lanes &>> 2 & 0x000F_C000)
      | (lanes &>> 16 & 0x0000_3F00)
    for lane in 0..<4 {
      output.storeBytes(
        of: groups[lane].byteSwapped, toByteOffset: offset + lane * 3, as: UInt32.self)
    }
  }
}
