// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// The dials of a shard that will be answered by a call: so that they can be given up, and waited
/// for, when its run ends.
///
/// Bounded by admission's dials in flight: a dial keeps its ticket until it is answered, also when its
/// session has gone on without it.
final class DialsUnderWay: Sendable {
  private enum Place {
    case free
    /// The transport has not said yet how to give it up.
    case begun
    case underWay(any DialUnderWay)
  }

  private struct State {
    var places: [Place] = []
    var freePlaces: [Int] = []
    var isOpen = false
    var count = 0
    /// Who waits for the last answer.
    var waiting: UnsafeContinuation<Void, Never>?

    mutating func endRun() -> [any DialUnderWay] {
      isOpen = false
      return places.compactMap { if case .underWay(let dial) = $0 { dial } else { nil } }
    }
  }

  private let state = Mutex(State())

  /// Begins a run.
  func open() { state.withLock { $0.isOpen = true } }

  /// A place for a dial; nil if no run is on.
  func begin() -> Int? {
    state.withLock { state in
      guard state.isOpen else { return nil }
      state.count += 1
      if let place = state.freePlaces.popLast() {
        state.places[place] = .begun
        return place
      }
      state.places.append(.begun)
      return state.places.count - 1
    }
  }

  /// The dial at this place goes on by itself, unless it has been answered already.
  func note(_ dial: any DialUnderWay, at place: Int) {
    let isLate = state.withLock { state in
      guard case .begun = state.places[place] else { return false }
      state.places[place] = .underWay(dial)
      return !state.isOpen
    }
    if isLate { dial.cancel() }
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
