// SPDX-License-Identifier: Apache-2.0

/// A promise of the broker (architecture, section 9) that the service saw broken.
///
/// Only what a correct client could have known is counted: a message may be late by
/// ``ServiceConfiguration/promiseTolerance``, a resume may overtake the close of the earlier socket
/// by as much, a token whose times were asked for in wall time may be misjudged by the clock skew,
/// and in strict mode nobody can know how often a token was used.
public struct BrokenPromise: Sendable, Hashable {
  /// Which one.
  public enum Kind: Sendable, Hashable {
    /// Promise 1: a new session was attempted on a token whose window had closed.
    case startedAfterWindow
    /// Promise 1: a new session was attempted on a token whose uses were spent.
    case startedOnSpentToken
    /// Promise 2: a message came on a credential past its expiry.
    case messageAfterExpiry
    /// Promise 3: a resume was attempted while an earlier socket of the session stayed open.
    case secondSocket
    /// A function response for a call that is not pending on this connection.
    case toolResponseWithoutCall
    /// Client content where the model forbids it: it closes the connection every time.
    case contentForbidden
    /// Anything but a setup came first, or a second setup.
    case setupOutOfOrder
    /// A message came before `setupComplete` was sent.
    case messageBeforeSetupComplete
    /// A message that is no JSON, or none that the service knows.
    case malformedMessage
    /// A token or a handle in a text or a function response.
    case secretInContent
  }

  /// Which one.
  public var kind: Kind
  /// On which connection it was seen.
  public var connection: ConnectionID
  /// The session it concerns, by the service's number, if there is one.
  public var session: Int?
  /// When, in nanoseconds of the engine's clock.
  public var nanoseconds: Int64
}
