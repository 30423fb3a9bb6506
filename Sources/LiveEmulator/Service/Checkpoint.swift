// SPDX-License-Identifier: Apache-2.0

/// A state of a session that a handle names: how much of everything it remembered then.
///
/// The account only grows between checkpoints, so its lengths are all that is needed to go back.
struct Checkpoint: Sendable {
  /// Number of the checkpoint within its session, from 1; the handle carries it.
  let serial: UInt32
  let tallies: Tallies
  let audioDigest: StreamDigest
  let itemCount: Int
  /// Turns that the model had finished.
  let turns: Int
  /// Bytes of speech that no turn had answered yet.
  let heard: Int
}

/// The checkpoints of one session that can be resumed, newest last.
///
/// After a rollback the checkpoints beyond it are gone: they name states that a linear account no
/// longer holds. A client that keeps to its latest handle never notices.
struct CheckpointList: Sendable {
  private(set) var kept: [Checkpoint] = []
  private var issued: UInt32 = 0

  /// The serial of the next checkpoint.
  var next: UInt32 { issued &+ 1 }

  /// Takes a new checkpoint in.
  mutating func take(_ checkpoint: Checkpoint, keeping limit: Int) {
    issued = checkpoint.serial
    if kept.count >= max(limit, 1) { kept.removeFirst(kept.count - max(limit, 1) + 1) }
    kept.append(checkpoint)
  }

  func find(_ serial: UInt32) -> Checkpoint? {
    kept.last { $0.serial == serial }
  }

  /// Drops the checkpoints after `serial`.
  mutating func rewind(to serial: UInt32) {
    while let last = kept.last, last.serial > serial { kept.removeLast() }
  }

  mutating func removeAll() { kept = [] }
}
