// SPDX-License-Identifier: Apache-2.0

/// A digest of a stream of bytes that does not depend on how the stream was cut into pieces.
///
/// Both ends of a conversation keep one per kind of media and compare ``value``: equal digests and
/// equal counts mean that the same bytes arrived in the same order. It is fast (eight bytes a step)
/// and made for finding mistakes, not for security.
public struct StreamDigest: Sendable, Hashable {
  private var state: UInt64 = 0x243F_6A88_85A3_08D3
  private var tail: UInt64 = 0
  /// Number of bytes taken in.
  public private(set) var count: Int = 0

  /// The digest of no bytes.
  public init() {}

  /// Takes in the next bytes of the stream.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    var index = 0
    while index < bytes.count, count & 7 != 0 { push(bytes[index]); index &+= 1 }
    while bytes.count &- index >= 8 {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
      state = Self.mix(state, word)
      index &+= 8
      count &+= 8
    }
    while index < bytes.count { push(bytes[index]); index &+= 1 }
  }

  /// Takes in the next bytes of the stream.
  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// The digest of everything taken in so far.
  public var value: UInt64 {
    Self.mix(Self.mix(state, tail), UInt64(truncatingIfNeeded: count))
  }

  @inline(__always)
  private mutating func push(_ byte: UInt8) {
    tail |= UInt64(byte) &<< UInt64((count & 7) &* 8)
    count &+= 1
    if count & 7 == 0 {
      state = Self.mix(state, tail)
      tail = 0
    }
  }

  @inline(__always)
  private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
    let product = (state ^ word ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(
      by: 0xA076_1D64_78BD_642F)
    return product.high ^ product.low ^ (state &<< 1 | state &>> 63)
  }
}
