// SPDX-License-Identifier: Apache-2.0

extension Broker {
  /// A token for a remote client: a browser or an app that talks to the service by itself.
  ///
  /// Each order is minted by a request of its own, so its times are exact, and clients of different
  /// rank can be served by one broker. Limits are checked before anything is sent. The broker tells
  /// a failure at once and does not ask its minter again; ``MintError/isRetryable`` tells whether
  /// that makes sense.
  ///
  /// The token takes one of ``ClientTokenPolicy/maximumOutstanding`` places until it expires, or
  /// until it is given back by ``releaseToken(_:)``: as long as the client could use it, it counts.
  ///
  /// May be called from any task while the broker runs. Cancelling the task aborts the request.
  ///
  /// - Throws: ``MintError``: `invalidRequest` for an order that the service would refuse,
  ///   `unsupported` on Vertex and if the broker has no minter, `exhausted` if all places are
  ///   taken, `stopped` once the broker's run has ended, and whatever the service answers.
  public func vendToken(
    _ order: TokenOrder = TokenOrder()
  ) async throws(MintError) -> EphemeralToken {
    try await clientTokens.vend(order)
  }

  /// Gives a remote client's place back, once its session is known to be over. The token itself
  /// cannot be revoked: the service has no call for it. Harmless if repeated.
  public func releaseToken(_ token: EphemeralToken) { clientTokens.release(token) }
}
