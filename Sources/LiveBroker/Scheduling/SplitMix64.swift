// SPDX-License-Identifier: Apache-2.0

/// The engine's random generator: small, fast, and the same on every platform for the same seed.
///
/// It draws jitter and identifiers in simulations, never secrets. (Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", 2014.)
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// Makes a generator; equal seeds give equal sequences.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits; the same seed gives the same ones.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A generator of its own for a part, which neither disturbs nor repeats this one.
  public mutating func split() -> SplitMix64 { SplitMix64(seed: next()) }

  /// A number in `0..<1`. Exact on every platform.
  public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A duration in nanoseconds, uniform in `0...bound`; zero for a bound below one.
  package mutating func nanoseconds(upTo bound: Int64) -> Int64 {
    guard bound > 0 else { return 0 }
    return Int64(UInt64(bound).multipliedFullWidth(by: next()).high)
  }
}
