// SPDX-License-Identifier: Apache-2.0

/// Who waits for a dial, and who is next.
///
/// | lane | who | order |
/// | --- | --- | --- |
/// | first | starts that had their turn and could not use it | the moment they came back |
/// | due | resumes whose deadline is near | deadline |
/// | impatient | fresh starts that have waited long enough; served among the due ones | the moment of promotion |
/// | planned | resumes whose deadline is further away than the lead: rotations | deadline |
/// | fresh | fresh starts | deadline |
///
/// The lanes are served in this order, with two exceptions that keep everybody moving. When the
/// earliest planned deadline comes so near that all planned ones could only just be served, planned
/// and due take turns: a rotation that misses its deadline would become an unplanned resume. And
/// nobody who comes later with a later deadline can pass a fresh start that has waited long enough.
///
/// While the service takes no more sessions (``SessionCap``), both lanes of fresh starts stand still.
struct TicketQueue: Sendable {
  private let lead: Int64
  private let longestPatience: Int64
  private var early = TicketHeap()
  private var due = TicketHeap()
  private var planned = TicketHeap()
  private var impatient = TicketHeap()
  private var fresh = TicketHeap()
  /// The fresh lane once more, by the moment at which patience ends.
  private var patience = TicketHeap()
  private var plannedHadTurn = false

  init(lead: Duration, patience: Duration) {
    self.lead = max(0, lead.nanoseconds)
    longestPatience = max(0, patience.nanoseconds)
  }

  /// Those who are served before all others, impatient ones included.
  var dueCount: Int { early.count + due.count + impatient.count }
  var plannedCount: Int { planned.count }
  var freshCount: Int { fresh.count }
  var isEmpty: Bool { !holdsTurns && startCount == 0 }
  /// Whether somebody waits who needs no place: a resume, or a start that has one kept for it.
  var holdsTurns: Bool { !early.isEmpty || !due.isEmpty || !planned.isEmpty }
  /// Starts that need a place.
  var startCount: Int { impatient.count + fresh.count }

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
      patience.insert(entry, key: since.advanced(byNanoseconds: longestPatience).nanoseconds)
    }
  }

  /// A start whose turn it was before.
  mutating func insertFirst(_ entry: UInt32, at now: EngineInstant) {
    early.insert(entry, key: now.nanoseconds)
  }

  mutating func remove(_ entry: UInt32) {
    guard !early.remove(entry) else { return }
    if fresh.remove(entry) {
      patience.remove(entry)
    } else if !due.remove(entry), !impatient.remove(entry) {
      planned.remove(entry)
    }
  }

  /// Takes out the next one.
  ///
  /// - Parameters:
  ///   - rate: Grants per second, from which follows how long the planned ones need.
  ///   - permitsStart: Whether fresh starts may go at all.
  mutating func popNext(at now: EngineInstant, rate: Double, permitsStart: Bool) -> UInt32? {
    if let first = early.first {
      early.remove(first.entry)
      return first.entry
    }
    if permitsStart { promoteImpatient(at: now) }
    let plannedPresses = plannedIsPressing(at: now, rate: rate)
    let due = nextDue(permitsStart: permitsStart)
    let next: UInt32?
    if plannedPresses, due == nil || !plannedHadTurn {
      next = planned.first?.entry
      plannedHadTurn = true
    } else {
      next = due ?? planned.first?.entry ?? (permitsStart ? fresh.first?.entry : nil)
      plannedHadTurn = false
    }
    if let next { remove(next) }
    return next
  }

  private func nextDue(permitsStart: Bool) -> UInt32? {
    guard permitsStart, let start = impatient.first else { return due.first?.entry }
    guard let resume = due.first, resume.key < start.key else { return start.entry }
    return resume.entry
  }

  private mutating func promoteImpatient(at now: EngineInstant) {
    while let first = patience.first, first.key <= now.nanoseconds {
      remove(first.entry)
      impatient.insert(first.entry, key: now.nanoseconds)
    }
  }

  private func plannedIsPressing(at now: EngineInstant, rate: Double) -> Bool {
    guard let first = planned.first else { return false }
    // Twice, since they get every other turn. At most an hour: a figure, not a promise.
    let need = min(2 * Double(planned.count) / rate, 3_600) * 1e9
    return now.advanced(byNanoseconds: lead + Int64(need)).nanoseconds >= first.key
  }
}
