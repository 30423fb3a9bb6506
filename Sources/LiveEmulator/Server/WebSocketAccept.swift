// SPDX-License-Identifier: Apache-2.0

#if NIO

/// The proof that a server has read a WebSocket key (RFC 6455, section 4.2.2).
enum WebSocketAccept {
  static func value(for key: String) -> String {
    var text: [UInt8] = []
    text.base64(sha1(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8)))
    return String(decoding: text, as: UTF8.self)
  }

  /// SHA-1 (RFC 3174), which protects nothing here. It is written apart from the client's, so that a
  /// mistake in one does not excuse the same mistake in the other.
  private static func sha1(_ input: [UInt8]) -> [UInt8] {
    var padded = input + [0x80]
    padded += repeatElement(0, count: (120 - padded.count % 64) % 64)
    padded += bytes(UInt64(input.count) * 8)
    var hash: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    for start in stride(from: 0, to: padded.count, by: 64) {
      let mixed = round(padded[start..<start + 64], hash)
      for index in hash.indices { hash[index] &+= mixed[index] }
    }
    return hash.flatMap { bytes($0) }
  }

  private static func round(_ block: ArraySlice<UInt8>, _ hash: [UInt32]) -> [UInt32] {
    var words: [UInt32] = []
    for index in 0..<16 {
      let four = block.dropFirst(index * 4).prefix(4)
      words.append(four.reduce(0) { $0 << 8 | UInt32($1) })
    }
    for index in 16..<80 {
      words.append(
        rotated(words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16], 1))
    }
    var h = hash
    for (index, word) in words.enumerated() {
      let (mix, constant) = step(index, h[1], h[2], h[3])
      let next = rotated(h[0], 5) &+ mix &+ h[4] &+ constant &+ word
      h = [next, h[0], rotated(h[1], 30), h[2], h[3]]
    }
    return h
  }

  private static func step(
    _ index: Int, _ b: UInt32, _ c: UInt32, _ d: UInt32
  ) -> (mix: UInt32, constant: UInt32) {
    switch index / 20 {
    case 0: ((b & c) | (~b & d), 0x5A82_7999)
    case 1: (b ^ c ^ d, 0x6ED9_EBA1)
    case 2: ((b & c) | (b & d) | (c & d), 0x8F1B_BCDC)
    default: (b ^ c ^ d, 0xCA62_C1D6)
    }
  }

  private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word << count | word >> (32 - count)
  }

  private static func bytes<Word: FixedWidthInteger>(_ word: Word) -> [UInt8] {
    stride(from: Word.bitWidth - 8, through: 0, by: -8).map {
      UInt8(truncatingIfNeeded: word >> Word($0))
    }
  }
}
#endif
