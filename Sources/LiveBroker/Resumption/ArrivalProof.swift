// SPDX-License-Identifier: Apache-2.0

/// What is known to have arrived of the messages sent on one connection: by proof, never by estimate.
///
/// A ping tells in its data how many messages went before it, and its pong brings that back. Each
/// direction of a connection keeps its order, so whatever else the network does:
///
/// ```
///   broker   ─ A ─ B ─ ping 2 ─ C ──────────────────▶        A and B came before the ping,
///   service  ◀───────────────────── pong 2 ─ handle ─        the pong left before the handle
/// ```
///
/// Hence a handle that comes after pong 2 was given by a service that had A and B. It may have had C
/// too; nobody can tell, so C stays uncertain. A pong that does not bring a number of ours back (a
/// peer may send one unasked) proves nothing; one that skips earlier pings proves those as well.
///
/// Had, that is, at the place that answers pings. If that is a front-end, what has arrived there may
/// not have reached the conversation yet. A *margin* allows for that: what had arrived when a pong
/// came counts only once a ping that was sent a margin later has been answered. By then the service
/// has had it for at least the margin, again under any delay. The price is one more ping.
package struct ArrivalProof: Hashable, Sendable {
  /// The number of the newest message that a handle coming now covers.
  package private(set) var settled: UInt32 = 0
  /// What has arrived and waits for its margin to pass, and since when.
  private var waiting: UInt32 = 0
  private var waitingSince = EngineInstant.never
  /// What the next pong settles, if there is a margin.
  private var ripe: UInt32 = 0

  package init() {}

  /// A ping is sent behind `sent` messages. Gives its data.
  package mutating func pinged(
    after sent: UInt32, at now: EngineInstant, margin: Int64
  ) -> [UInt8] {
    guard margin > 0 else { return Self.bytes(sent) + Self.bytes(sent) }
    if waitingSince.advanced(byNanoseconds: margin) <= now {
      ripe = max(ripe, waiting)
      waitingSince = .never
    }
    return Self.bytes(sent) + Self.bytes(ripe)
  }

  /// A pong arrived; `sent` is the number of messages sent so far. Whether it proves anything.
  @discardableResult
  package mutating func ponged(
    _ data: [UInt8], sent: UInt32, at now: EngineInstant
  ) -> Bool {
    guard data.count == 8 else { return false }
    let (arrived, settles) = (Self.number(data[0..<4]), Self.number(data[4..<8]))
    guard arrived <= sent, settles <= arrived else { return false }
    settled = max(settled, settles)
    if waitingSince == .never {
      waiting = arrived
      waitingSince = now
    }
    return true
  }

  private static func bytes(_ number: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reduce(0) { $0 << 8 | UInt32($1) }
  }
}
