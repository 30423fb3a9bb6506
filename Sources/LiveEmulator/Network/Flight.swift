// SPDX-License-Identifier: Apache-2.0

/// Something under way in the network, or a network's own timer.
struct Flight: Sendable {
  enum Kind: Sendable {
    // Of a dial, at the client.
    case connected
    case secured
    case refused
    case timedOut(DialPhase)
    // Of a dial, crossing.
    case upgrade
    case opened
    case upgradeRefused(status: Int)
    // Towards the service.
    case toService([UInt8])
    case ping([UInt8])
    case closeToService(code: UInt16?, reason: String)
    case resetToService
    // Towards the client.
    case toClient([UInt8])
    case pong([UInt8])
    case closed(code: UInt16?, reason: String)
    case lost
    // At the service.
    case pongDue([UInt8])
    // At the client.
    case writable(Bool)
    case resume
    // Faults.
    case lossDue
    case silenceDue
    case silenceNoticed
    // Of a mint; the number is the call's.
    case mintRequest
    case mintAnswer
    case mintTimedOut
  }

  var instant: Int64
  var sequence: UInt64
  /// Number of the connection or of the mint call.
  var id: UInt64
  /// Where the connection is kept.
  var slot: Int
  var kind: Kind

  @inline(__always)
  static func < (lhs: Flight, rhs: Flight) -> Bool {
    lhs.instant != rhs.instant ? lhs.instant < rhs.instant : lhs.sequence < rhs.sequence
  }
}

/// The phases of a dial that can hang.
enum DialPhase: Sendable { case connect, tls, upgrade }

/// Everything under way, by arrival and then by order of sending.
///
/// What takes the same time for everybody arrives in the order in which it was sent, and waits in a
/// plain queue; only the rest pays for a heap.
struct FlightQueue: Sendable {
  private var steady = Ring<Flight>(capacity: 64)
  private var heap: [Flight] = []
  private var nextSequence: UInt64 = 0
  private var latestSteady = Int64.min

  var count: Int { steady.count + heap.count }

  var nextInstant: Int64? {
    // Asked several times for each step: nothing of a flight is copied but its instant.
    let one = steady.lookAtFirst { $0?.instant }
    guard !heap.isEmpty else { return one }
    return min(one ?? .max, heap[0].instant)
  }

  /// - Parameter isSteady: Whether it takes what nearly everything takes.
  mutating func push(
    _ kind: Flight.Kind, id: UInt64, slot: Int, at instant: Int64, isSteady: Bool
  ) {
    nextSequence &+= 1
    let flight = Flight(
      instant: instant, sequence: nextSequence, id: id, slot: slot, kind: kind)
    if isSteady && instant >= latestSteady {
      latestSteady = instant
      steady.append(flight)
    } else {
      heap.append(flight)
      siftUp()
    }
  }

  /// Takes everything out, in order.
  mutating func removeAll() -> [Flight] {
    var all: [Flight] = []
    while let flight = pop(by: .max) { all.append(flight) }
    latestSteady = .min
    return all
  }

  /// Takes the next flight out if it has arrived by `instant`.
  mutating func pop(by instant: Int64) -> Flight? {
    guard let next = nextInstant, next <= instant else { return nil }
    guard let other = heap.first else { return steady.popFirst() }
    if steady.lookAtFirst({ $0.map { $0 < other } }) == true { return steady.popFirst() }
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      siftDown()
    }
    return other
  }

  private mutating func siftUp() {
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 4
      guard heap[index] < heap[parent] else { return }
      heap.swapAt(index, parent)
      index = parent
    }
  }

  private mutating func siftDown() {
    var index = 0
    while true {
      let first = index * 4 + 1
      guard first < heap.count else { return }
      var least = first
      for child in (first + 1)..<max(first + 1, min(first + 4, heap.count))
      where heap[child] < heap[least] { least = child }
      guard heap[least] < heap[index] else { return }
      heap.swapAt(least, index)
      index = least
    }
  }
}
