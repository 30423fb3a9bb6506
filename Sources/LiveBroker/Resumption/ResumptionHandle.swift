// SPDX-License-Identifier: Apache-2.0

/// What a session can be resumed with, as the application may see it.
///
/// The value is a credential: whoever has it and a token of the same project can take the session
/// over. Its description is redacted.
public struct ResumptionHandle: Sendable, Hashable {
  /// The handle itself.
  public var value: Secret
  /// When the service gave it, by this host's calendar.
  public var issuedAt: WallTime
  /// How long ago that was, by the monotonic clock.
  public var age: Duration
  /// Whether the service would resume where the session is now. If not, it was talking or waiting
  /// for a tool, and the handle leads back to the moment when it was given.
  public var isCurrent: Bool

  /// Makes a handle from its parts.
  public init(value: Secret, issuedAt: WallTime, age: Duration, isCurrent: Bool) {
    self.value = value
    self.issuedAt = issuedAt
    self.age = age
    self.isCurrent = isCurrent
  }
}

extension ResumptionMachine {
  /// The last good handle for people and applications; nil if there is none that could be used.
  package func publicHandle(at now: EngineInstant, wallTime: WallTime) -> ResumptionHandle? {
    guard let value = handleForDial(at: now), let issuedAt = handleIssuedAt else { return nil }
    let age = max(.zero, issuedAt.duration(to: now))
    return ResumptionHandle(
      value: value, issuedAt: wallTime.advanced(by: .zero - age), age: age, isCurrent: isCurrent)
  }
}
