// SPDX-License-Identifier: Apache-2.0

/// Who waits for a dial, and who is next.
///
/// | lane | who | order |
/// | --- | --- | --- |
/// | due | resumes whose deadline is near, and fresh starts that lost patience | deadline, or the moment of promotion |
/// | planned | resumes whose deadline is further away than the lead: rotations | deadline |
/// | fresh | fresh starts | deadline |
///
/// The lanes are served in this order, with two exceptions that keep everybody moving. When the
/// earliest planned deadline comes so near that all planned ones could only just be served, planned
/// and due take turns: a rotation that misses its deadline would become an unplanned resume. And a
/// fresh start that has waited long enough moves to the due lane, where nobody who comes later with
/// a later deadline can pass it.
struct TicketQueue: Sendable {
  private let lead: Int64
  private let patience: Int64
  private var due = TicketHeap()
  private var planned = TicketHeap()
  private var fresh = TicketHeap()
  /// The fresh lane once more, by the moment at which patience ends.
  private var impatient = TicketHeap()
  private var plannedHadTurn = false

  init(lead: Duration, patience: Duration) {
    self.lead = max(0, lead.nanoseconds)
    self.patience = max(0, patience.nanoseconds)
  }

  var dueCount: Int { due.count }
  var plannedCount: Int { planned.count }
  var freshCount: Int { fresh.count }
  var count: Int { due.count + planned.count + fresh.count }
  var isEmpty: Bool { due.isEmpty && planned.isEmpty && fresh.isEmpty }

  mutating func insert(
    _ entry: UInt32, _ kind: DialClass, by deadline: EngineInstant, since: EngineInstant,
    at now: EngineInstant
  ) {
    // A deadline in the past would let a newcomer pass those who have waited as long.
    let key = max(deadline, now).nanoseconds
    switch kind {
    case .resume where key > now.advanced(byNanoseconds: lead).nanoseconds:
      planned.insert(entry, key: key)
    case .resume:
      due.insert(entry, key: key)
    case .freshStart:
      fresh.insert(entry, key: key)
      impatient.insert(entry, key: since.advanced(byNanoseconds: patience).nanoseconds)
    }
  }

  mutating func remove(_ entry: UInt32) {
    if fresh.remove(entry) {
      impatient.remove(entry)
    } else if !due.remove(entry) {
      planned.remove(entry)
    }
  }

  /// Takes out the next one.
  ///
  /// - Parameter rate: Grants per second, from which follows how long the planned ones need.
  mutating func popNext(at now: EngineInstant, rate: Double) -> UInt32? {
    promoteImpatient(at: now)
    let plannedPresses = plannedIsPressing(at: now, rate: rate)
    let next: UInt32?
    if plannedPresses, due.isEmpty || !plannedHadTurn {
      next = planned.first?.entry
      plannedHadTurn = true
    } else {
      next = (due.first ?? planned.first ?? fresh.first)?.entry
      plannedHadTurn = false
    }
    if let next { remove(next) }
    return next
  }

  private mutating func promoteImpatient(at now: EngineInstant) {
    while let first = impatient.first, first.key <= now.nanoseconds {
      remove(first.entry)
      due.insert(first.entry, key: now.nanoseconds)
    }
  }

  private func plannedIsPressing(at now: EngineInstant, rate: Double) -> Bool {
    guard let first = planned.first else { return false }
    // Twice, since they get every other turn. At most an hour: a figure, not a promise.
    let need = min(2 * Double(planned.count) / rate, 3_600) * 1e9
    return now.advanced(byNanoseconds: lead + Int64(need)).nanoseconds >= first.key
  }
}
