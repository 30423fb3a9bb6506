// SPDX-License-Identifier: Apache-2.0

/// What a token locks: a setup and the mask of its locked fields.
public struct TokenConstraints: Sendable, Hashable {
  /// The inside of a `setup` message, as JSON bytes.
  public var setup: [UInt8]
  /// Names joined by commas: top-level fields and `generationConfig.x`; never `sessionResumption`.
  public var fieldMask: String

  /// Makes constraints from their parts.
  public init(setup: [UInt8], fieldMask: String) {
    self.setup = setup
    self.fieldMask = fieldMask
  }
}
