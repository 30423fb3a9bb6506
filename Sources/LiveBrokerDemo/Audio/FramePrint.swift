// SPDX-License-Identifier: Apache-2.0

/// Stands for the 640 bytes of a frame where only equality counts: 16 bytes instead of 640.
///
/// Two independent 64-bit hashes, the same in every process and build. That two different frames
/// of a run share both is less likely than one in 10^25; nobody here tries to make it happen.
struct FramePrint: Hashable, Sendable {
  private let first: UInt64
  private let second: UInt64

  /// The print of any bytes; equal bytes give equal prints.
  init(_ bytes: some Collection<UInt8>) {
    self =
      bytes.withContiguousStorageIfAvailable { FramePrint(raw: UnsafeRawBufferPointer($0)) }
      ?? Array(bytes).withUnsafeBytes { FramePrint(raw: $0) }
  }

  private init(raw bytes: UnsafeRawBufferPointer) {
    var a = UInt64(bytes.count) &+ 0x9E37_79B9_7F4A_7C15
    var b = UInt64(bytes.count) ^ 0xC2B2_AE3D_27D4_EB4F
    var offset = 0
    while offset + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      a = Self.mix(a ^ word, 0xA076_1D64_78BD_642F)
      b = Self.mix(b &+ word, 0xE703_7ED1_A0B4_28DB)
      offset += 8
    }
    for byte in bytes[offset...] {
      a = Self.mix(a ^ UInt64(byte), 0xA076_1D64_78BD_642F)
      b = Self.mix(b &+ UInt64(byte), 0xE703_7ED1_A0B4_28DB)
    }
    first = a
    second = b
  }

  /// One round of SplitMix64's finaliser around a multiplication: a bijection of `value`, so that
  /// no difference between two frames is ever folded away within one hash's single step.
  @inline(__always)
  private static func mix(_ value: UInt64, _ factor: UInt64) -> UInt64 {
    var z = value &* (factor | 1)
    z = (z ^ (z >> 31)) &* 0xBF58_476D_1CE4_E5B9
    return z ^ (z >> 29)
  }
}

extension FramePrint {
  /// The print of a frame of which only a digest is known. Comparable with others of its kind only.
  init(digest: UInt64) {
    first = digest
    second = 0
  }

  /// The prints of a stream of audio, cut into frames of 640 bytes; a rest that is shorter than a
  /// frame makes one print more.
  static func prints(of stream: some Collection<UInt8>) -> [FramePrint] {
    let bytes = Array(stream)
    return stride(from: 0, to: bytes.count, by: Recording.frameBytes).map { start in
      FramePrint(bytes[start..<min(start + Recording.frameBytes, bytes.count)])
    }
  }
}
