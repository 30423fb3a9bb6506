// SPDX-License-Identifier: Apache-2.0

/// Where handles survive the process.
///
/// The broker writes behind: a handle that changes often is written when the previous write is done,
/// the newest only. It calls from child tasks of its own, one call per session at a time; different
/// sessions concurrently. An error is reported and the next change is written anyway; it never stops
/// a session. Handles are credentials: encrypt what lies on a disk.
///
/// A store does not decide who may resume. Two processes that resume one session from the same
/// record displace each other; see to it that a session has one owner.
public protocol ResumptionStore: Sendable {
  /// Keeps the record, in place of any other of that session.
  ///
  /// - Throws: Whatever the store has to say. Cancelling the task may leave either record.
  func save(_ record: StoredResumption, for session: String) async throws

  /// The record of that session, nil if there is none or the store has let it expire.
  ///
  /// - Throws: Whatever the store has to say; "none" is not an error.
  func load(_ session: String) async throws -> StoredResumption?

  /// Forgets that session. There may be no record of it.
  ///
  /// - Throws: Whatever the store has to say.
  func remove(_ session: String) async throws
}

/// What a store keeps of a session.
public struct StoredResumption: Sendable, Hashable {
  /// The handle; a credential.
  public var handle: Secret
  /// The model of the session: a resume must name the same one.
  public var model: String
  /// When this was written, by the writer's calendar.
  public var savedAt: WallTime
  /// From when on the handle is of no use, by the writer's calendar, should the connection have
  /// ended right at the writing. A connection that lived on makes it later, never earlier.
  public var expiresAt: WallTime

  /// Makes a record from its parts.
  public init(handle: Secret, model: String, savedAt: WallTime, expiresAt: WallTime) {
    self.handle = handle
    self.model = model
    self.savedAt = savedAt
    self.expiresAt = expiresAt
  }

  /// How long the handle can still be used, zero if no longer. A reader whose calendar is behind the
  /// writer's does not get more than the writer granted.
  public func remaining(at now: WallTime) -> Duration {
    let granted = max(.zero, savedAt.duration(to: expiresAt))
    return min(granted, max(.zero, now.duration(to: expiresAt)))
  }
}
