// SPDX-License-Identifier: Apache-2.0

#if NIO
#if canImport(Darwin)
internal import Darwin
#elseif canImport(Musl)
internal import Musl
#else
internal import Glibc
#endif

/// Bytes that a peer cannot foresee, for masks and upgrade keys. They decide nothing in the engine,
/// so they need not come from its generator; they must not come from one whose output reveals its
/// state.
///
/// The system is asked for many at once, since each question is a system call; a byte is given once.
struct Entropy {
  /// Most that the system gives at once.
  private static let size = 256
  private var bytes = [UInt8](repeating: 0, count: size)
  private var used = size

  /// Gives an unsigned integer of any width.
  mutating func next<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) -> Number {
    let count = MemoryLayout<Number>.size
    if Self.size - used < count { refill() }
    defer { used += count }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: used, as: Number.self) }
  }

  private mutating func refill() {
    let status = bytes.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
    if status != 0 {
      // A system without the call: the library's own way, which takes longer.
      for index in bytes.indices { bytes[index] = UInt8.random(in: .min ... .max) }
    }
    used = 0
  }
}
#endif
