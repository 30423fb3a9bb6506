// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The dials of a shard: so that each can be given up when its session has no use for it any more, and
/// all of them, and be waited for, when the shard's run ends.
///
/// Bounded by admission's dials in flight: a dial keeps its ticket until it is answered, also when it
/// has been given up.
final class DialsUnderWay: Sendable {
  private enum Place {
    case free
    /// The transport has not said yet how to give it up.
    case begun(ShardDial)
    case underWay(ShardDial, any DialUnderWay)
  }

  private struct State {
    var places: [Place] = []
    var freePlaces: [Int] = []
    var isOpen = false
    var count = 0
    /// Who waits for the last answer.
    var waiting: UnsafeContinuation<Void, Never>?

    /// The dial with this ticket and generation, to be given up; nil if it is answered.
    func find(_ ticket: Ticket, _ generation: UInt32?) -> (any DialUnderWay)? {
      for case .underWay(let dial, let underWay) in places where dial.ticket == ticket {
        return generation ?? dial.generation == dial.generation ? underWay : nil
      }
      return nil
    }

    mutating func endRun() -> [any DialUnderWay] {
      isOpen = false
      return places.compactMap { if case .underWay(_, let dial) = $0 { dial } else { nil } }
    }
  }

  private let state = Mutex(State())

  /// Dials that have not been answered.
  var count: Int { state.withLock { $0.count } }

  /// Begins a run.
  func open() { state.withLock { $0.isOpen = true } }

  /// A place for a dial; nil if no run is on.
  func begin(_ dial: ShardDial) -> Int? {
    state.withLock { state in
      guard state.isOpen else { return nil }
      state.count += 1
      if let place = state.freePlaces.popLast() {
        state.places[place] = .begun(dial)
        return place
      }
      state.places.append(.begun(dial))
      return state.places.count - 1
    }
  }

  /// The dial at this place goes on by itself, unless it has been answered already.
  func note(_ underWay: any DialUnderWay, at place: Int) {
    let isLate = state.withLock { state in
      guard case .begun(let dial) = state.places[place] else { return false }
      state.places[place] = .underWay(dial, underWay)
      return !state.isOpen
    }
    if isLate { underWay.cancel() }
  }

  /// Gives up the dial for this ticket, if it is under way and, if a generation is named, for that.
  ///
  /// Looks through all of them: this is rare, and a dial that ends by itself pays nothing for it.
  /// - Returns: Whether there was such a dial. Its answer is still to come.
  func giveUp(_ ticket: Ticket, generation: UInt32? = nil) -> Bool {
    let underWay = state.withLock { $0.find(ticket, generation) }
    underWay?.cancel()
    return underWay != nil
  }

  /// The dial at this place has been answered.
  func end(_ place: Int) {
    let waiting = state.withLock { state in
      state.places[place] = .free
      state.freePlaces.append(place)
      state.count -= 1
      return state.count == 0 ? state.waiting.take() : nil
    }
    waiting?.resume()
  }

  /// Ends the run: gives all dials up, and returns once each has been answered.
  func close() async {
    for dial in state.withLock({ $0.endRun() }) { dial.cancel() }
    await withUnsafeContinuation { continuation in
      let isOver = state.withLock { state in
        if state.count > 0 { state.waiting = continuation }
        return state.count == 0
      }
      if isOver { continuation.resume() }
    }
  }
}
