// SPDX-License-Identifier: Apache-2.0

/// A session's place in the queue for a dial.
package struct Ticket: Hashable, Sendable {
  /// Index of the shard, whose mailbox hears of the grant.
  package var shard: UInt16
  /// Index of the session within its shard.
  package var slot: UInt32
  /// Tells this request from the session's earlier ones, so that a late answer finds nobody.
  package var serial: UInt32

  package init(shard: UInt16, slot: UInt32, serial: UInt32) {
    self.shard = shard
    self.slot = slot
    self.serial = serial
  }
}

/// What a dial is for. Resumes go before fresh starts: a resume serves somebody who is in the middle
/// of a conversation, and its handle ages.
package enum DialClass: Sendable, Hashable {
  /// Moves or restores a session that lives. Whether it is urgent is told by its deadline.
  case resume
  /// Begins a session.
  case freshStart
}

/// How a granted dial ended, as admission sees it.
package enum DialOutcome: Sendable, Hashable {
  /// The service took the connection.
  case accepted
  /// The service, or what stands before it, answered with a refusal that is no matter of admission.
  case answered
  /// The service, or what stands before it, answered "not now": HTTP 503 or 429, or connection
  /// refused. With the time for which it asked to be left alone, if it did.
  case refused(retryAfter: Duration?)
  /// No answer that tells anything about admission: no route, time-out, TLS failure.
  case failed
  /// The session gave the dial up before its end; says nothing about the service.
  case abandoned
  /// It could not begin: the credential had become too old for it while it waited. The session asks
  /// again when it has another, and has not lost its turn.
  case postponed
}

/// What came of a setup, as admission sees it.
package enum SetupOutcome: Sendable, Hashable {
  /// A session is up that was not up before.
  case up
  /// There are too many sessions, be the refused one new or one that wants to come back.
  case refusedByQuota
  /// A new session's setup failed for another reason.
  case failed
}
