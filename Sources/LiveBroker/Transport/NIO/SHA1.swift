// SPDX-License-Identifier: Apache-2.0

#if NIO
/// The SHA-1 of short inputs, which the WebSocket upgrade asks for (RFC 6455, 4.2.2). It protects
/// nothing; no package is needed for it.
enum SHA1 {
  /// Number of bytes of a digest.
  static let size = 20

  /// Writes the digest of `input` to the first ``size`` bytes of `output`.
  static func digest(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
    var state = State()
    var start = 0
    while start + 64 <= input.count {
      state.mix(UnsafeRawBufferPointer(rebasing: input[start..<start + 64]))
      start += 64
    }
    withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { last in
      // What is left, a mark, zeros, and the length in bits at the end of the last block.
      let rest = input.count - start
      let size = rest < 56 ? 64 : 128
      last.initializeMemory(as: UInt8.self, repeating: 0)
      last.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[start...]))
      last[rest] = 0x80
      last.storeBytes(
        of: (UInt64(input.count) * 8).bigEndian, toByteOffset: size - 8, as: UInt64.self)
      for block in stride(from: 0, to: size, by: 64) {
        state.mix(UnsafeRawBufferPointer(rebasing: last[block..<block + 64]))
      }
    }
    state.write(to: output)
  }

  private struct State {
    var (a, b, c, d, e): (UInt32, UInt32, UInt32, UInt32, UInt32) =
      (0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0)

    mutating func mix(_ block: UnsafeRawBufferPointer) {
      withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 80) { words in
        for index in 0..<16 {
          let word = block.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
          words[index] = UInt32(bigEndian: word)
        }
        for index in 16..<80 {
          let word = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
          words[index] = rotate(word, 1)
        }
        mix(UnsafeBufferPointer(words))
      }
    }

    private mutating func mix(_ words: UnsafeBufferPointer<UInt32>) {
      var (a, b, c, d, e) = (self.a, self.b, self.c, self.d, self.e)
      for index in 0..<80 {
        let (function, constant): (UInt32, UInt32) =
          switch index {
          case ..<20: (b & c | ~b & d, 0x5A82_7999)
          case ..<40: (b ^ c ^ d, 0x6ED9_EBA1)
          case ..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
          default: (b ^ c ^ d, 0xCA62_C1D6)
          }
        let sum = rotate(a, 5) &+ function &+ e &+ constant &+ words[index]
        (a, b, c, d, e) = (sum, a, rotate(b, 30), c, d)
      }
      self.a &+= a
      self.b &+= b
      self.c &+= c
      self.d &+= d
      self.e &+= e
    }

    private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
      word << count | word >> (32 - count)
    }

    func write(to output: UnsafeMutableRawBufferPointer) {
      let words = (a.bigEndian, b.bigEndian, c.bigEndian, d.bigEndian, e.bigEndian)
      withUnsafeBytes(of: words) { output.copyMemory(from: $0) }
    }
  }
}
#endif
