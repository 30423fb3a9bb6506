// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// Makes and recognises opaque names (handles, tokens) that carry a number, so that the service
/// keeps no table of names.
///
/// A name is a scrambled number in eleven characters and a filler that only the same key makes; one
/// that was not made here is recognised by its filler. This is for an emulator: it is not a MAC.
struct SealedNames: Sendable {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
  private static let digits: [UInt8] = {
    var table = [UInt8](repeating: 0xFF, count: 256)
    for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
    return table
  }()
  private static let factor: UInt64 = 0xD134_2543_DE82_EF95
  private static let inverse: UInt64 = {
    var guess = factor
    for _ in 0..<6 { guess = guess &* (2 &- factor &* guess) }
    return guess
  }()

  private let prefix: [UInt8]
  private let length: Int
  private let scramble: UInt64
  private let filler: UInt64

  /// Names of `length` characters after the prefix; two kinds of names need two keys.
  init(prefix: String, length: Int, key: UInt64) {
    self.prefix = Array(prefix.utf8)
    self.length = max(length, 12)
    var generator = SplitMix64(seed: key)
    scramble = generator.next()
    filler = generator.next()
  }

  /// The name that carries `number`, as UTF-8.
  func name(for number: UInt64) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: prefix.count + length) { name, count in
      count = prefix.count + length
      for index in prefix.indices { name[index] = prefix[index] }
      write(number, into: UnsafeMutableBufferPointer(rebasing: name[prefix.count...]))
    }
  }

  /// Writes the characters after the prefix; the place is as long as they are.
  private func write(_ number: UInt64, into place: UnsafeMutableBufferPointer<UInt8>) {
    var sealed = (number ^ scramble) &* Self.factor
    sealed = (sealed ^ (sealed &>> 32)) &* Self.factor
    Self.alphabet.withUnsafeBytes { alphabet in
      for index in 0..<11 {
        place[index] = alphabet[Int(truncatingIfNeeded: sealed) & 63]
        sealed &>>= 6
      }
      var generator = SplitMix64(seed: number ^ filler)
      for start in stride(from: 11, to: length, by: 10) {
        var bits = generator.next()
        for index in start..<min(start + 10, length) {
          place[index] = alphabet[Int(truncatingIfNeeded: bits) & 63]
          bits &>>= 6
        }
      }
    }
  }

  /// The number that a name carries, or nil if it was not made with this key.
  func number(in bytes: UnsafeRawBufferPointer) -> UInt64? {
    guard bytes.count == prefix.count + length,
      prefix.withUnsafeBytes({ Self.areEqual($0, bytes) })
    else { return nil }
    let rest = UnsafeRawBufferPointer(rebasing: bytes[prefix.count...])
    var sealed: UInt64 = 0
    for index in 0..<11 {
      let digit = Self.digits[Int(rest[index])]
      guard digit != 0xFF else { return nil }
      sealed |= UInt64(digit) &<< UInt64(index &* 6)
    }
    var number = sealed &* Self.inverse
    number = ((number ^ (number &>> 32)) &* Self.inverse) ^ scramble
    // The prefix was compared; the rest is, in a place on the stack.
    let isOurs = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length) { made in
      write(number, into: made)
      return Self.areEqual(UnsafeRawBufferPointer(made), rest)
    }
    return isOurs ? number : nil
  }

  /// Whether the second begins with the first, in a loop that the compiler can make wide.
  private static func areEqual(
    _ bytes: UnsafeRawBufferPointer, _ others: UnsafeRawBufferPointer
  ) -> Bool {
    var difference: UInt8 = 0
    for index in 0..<bytes.count { difference |= bytes[index] ^ others[index] }
    return difference == 0
  }
}
