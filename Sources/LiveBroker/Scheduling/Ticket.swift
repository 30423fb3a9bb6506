// SPDX-License-Identifier: Apache-2.0

/// Where an answer belongs: a session's place in its shard, and the question's number there.
///
/// The serial makes a late answer recognisable after the place was given to another session.
package struct Ticket: Hashable, Sendable {
  package var shard: UInt16
  package var slot: UInt32
  package var serial: UInt32

  package init(shard: UInt16, slot: UInt32, serial: UInt32) {
    self.shard = shard
    self.slot = slot
    self.serial = serial
  }
}
