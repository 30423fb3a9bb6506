// SPDX-License-Identifier: Apache-2.0

internal import LiveBroker

/// How a mint call over an emulated network ended.
enum MintOutcome: Sendable {
  case answered(MintAnswer)
  case timedOut
  case cancelled
}

/// Mints over an emulated network, as an HTTP client would over a real one.
struct EmulatedMinter: TokenMinter {
  let apiKey: Secret
  let exchange: @Sendable (Credential, [UInt8]) async -> MintOutcome

  func mint(_ request: TokenRequest) async throws(MintError) -> MintedToken {
    throw MintError(.unavailable, message: "")
  }
}
