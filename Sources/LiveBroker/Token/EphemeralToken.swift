// SPDX-License-Identifier: Apache-2.0

/// A token for a remote client: a browser or an app that talks to the service by itself.
///
/// Give ``name`` to the client over a protected channel; everything else may be logged. The times
/// are estimates in the service's time, good to about a second once its clock is known, and by this
/// host's clock before; they are never later than what the service will do.
public struct EphemeralToken: Sendable, Hashable {
  /// The credential itself. Its description is redacted.
  public var name: Secret
  /// New sessions that it may begin; 0 means no limit.
  public var uses: Int
  /// Of those, how many are left at vending; nil means no limit. The broker does not see what the
  /// client does with it.
  public var usesRemaining: Int?
  /// When it was asked for.
  public var createTime: WallTime
  /// When its messages end.
  public var expireTime: WallTime
  /// When it stops beginning sessions.
  public var newSessionExpireTime: WallTime
  /// How much of a setup it pins; nil if it pins nothing.
  public var lock: TokenLock?
  /// The place it takes among the tokens of remote clients, for giving it back.
  package var lease: UInt64

  package init(
    name: Secret, uses: Int, createTime: WallTime, expireTime: WallTime,
    newSessionExpireTime: WallTime, lock: TokenLock? = nil, lease: UInt64
  ) {
    self.name = name
    self.uses = max(0, uses)
    usesRemaining = uses > 0 ? uses : nil
    self.createTime = createTime
    self.expireTime = expireTime
    self.newSessionExpireTime = newSessionExpireTime
    self.lock = lock
    self.lease = lease
  }
}
