// SPDX-License-Identifier: Apache-2.0

/// Those who wait, first come first served; each may leave the line or run out of time.
///
/// Joining, leaving and being served cost O(log n) at most, amortised.
struct WaitingLine<Key: Hashable & Sendable, Need: Sendable>: Sendable {
  struct Place: Sendable {
    let key: Key
    let need: Need
    let deadline: EngineInstant
    /// Number in the order of arrival, given by the owner; later arrivals have larger ones.
    let arrival: UInt64
  }

  private struct Alarm: Sendable {
    let deadline: EngineInstant
    let arrival: UInt64
    static func < (a: Self, b: Self) -> Bool { (a.deadline, a.arrival) < (b.deadline, b.arrival) }
  }

  /// By position; those who left are nil until the line is packed.
  private var places: [Place?] = []
  /// All positions before it are empty.
  private var head = 0
  private var positions: [Key: Int] = [:]
  /// A binary heap. Alarms of those who left stay in until they come up or the line is packed.
  private var alarms: [Alarm] = []
  private var keys: [UInt64: Key] = [:]

  var count: Int { positions.count }
  var isEmpty: Bool { positions.isEmpty }

  func contains(_ key: Key) -> Bool { positions[key] != nil }

  /// Joins at the end. A key that is in the line already keeps its place.
  mutating func append(_ key: Key, need: Need, deadline: EngineInstant, arrival: UInt64) {
    guard positions[key] == nil else { return }
    positions[key] = places.count
    places.append(Place(key: key, need: need, deadline: deadline, arrival: arrival))
    guard deadline != .never else { return }
    keys[arrival] = key
    push(Alarm(deadline: deadline, arrival: arrival))
  }

  var first: Place? {
    mutating get {
      while head < places.count {
        if let place = places[head] { return place }
        head += 1
      }
      return nil
    }
  }

  mutating func removeFirst() -> Place? {
    guard let place = first else { return nil }
    return remove(place.key)
  }

  @discardableResult
  mutating func remove(_ key: Key) -> Place? {
    guard let position = positions.removeValue(forKey: key), let place = places[position] else {
      return nil
    }
    places[position] = nil
    keys[place.arrival] = nil
    packIfSparse()
    return place
  }

  /// Takes out one whose time is up, earliest deadline first; nil if there is none.
  mutating func removeExpired(at now: EngineInstant) -> Place? {
    while let alarm = alarms.first, alarm.deadline <= now {
      popAlarm()
      if let key = keys[alarm.arrival] { return remove(key) }
    }
    return nil
  }

  /// The earliest deadline of those in the line.
  var nextDeadline: EngineInstant {
    mutating get {
      while let alarm = alarms.first {
        if keys[alarm.arrival] != nil { return alarm.deadline }
        popAlarm()
      }
      return .never
    }
  }

  /// Rebuilds both arrays once more than half of either is dead, so that neither outgrows the line.
  private mutating func packIfSparse() {
    if places.count > 64, places.count > 2 * count {
      places = places[head...].filter { $0 != nil }
      head = 0
      for (position, place) in places.enumerated() {
        if let place { positions[place.key] = position }
      }
    }
    if alarms.count > 64, alarms.count > 2 * keys.count {
      alarms = alarms.filter { keys[$0.arrival] != nil }
      // A sorted array is a heap.
      alarms.sort { $0 < $1 }
    }
  }

  private mutating func push(_ alarm: Alarm) {
    alarms.append(alarm)
    var child = alarms.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard alarms[child] < alarms[parent] else { return }
      alarms.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func popAlarm() {
    guard let last = alarms.popLast(), !alarms.isEmpty else { return }
    alarms[0] = last
    var parent = 0
    while true {
      let left = 2 * parent + 1
      guard left < alarms.count else { return }
      let right = left + 1
      let child = right < alarms.count && alarms[right] < alarms[left] ? right : left
      guard alarms[child] < alarms[parent] else { return }
      alarms.swapAt(child, parent)
      parent = child
    }
  }
}
