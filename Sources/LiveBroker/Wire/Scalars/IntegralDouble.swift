// SPDX-License-Identifier: Apache-2.0

extension Int64 {
  /// The integer that a double is exactly, if it is one and fits.
  ///
  /// `Int64(exactly:)` goes through rounding functions of the C library's mathematics, which a
  /// program without Foundation does not link.
  init?(integral value: Double) {
    // The upper bound, 2^63, is the first double that does not fit.
    guard value >= -0x1p63, value < 0x1p63 else { return nil }
    let integer = Int64(value)
    guard Double(integer) == value else { return nil }
    self = integer
  }
}
