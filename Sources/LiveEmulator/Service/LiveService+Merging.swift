// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// Messages that travel in one.
extension LiveService {
  /// Sends a message in one with the one that waits, if their meaning allows it, and otherwise behind
  /// it; or lets it wait itself.
  mutating func merge(_ message: [UInt8], _ slot: Int, mayWait: Bool) {
    if let held = connections.slots[slot].held.take() {
      connections.slots[slot].heldAlarm.cancel()
      if let both = MergedMessage.bytes(held, message) {
        totals.faults += 1
        return put(both, slot)
      }
      put(held, slot)
    }
    guard mayWait, chance.happens(configuration.faults.merges) else { return put(message, slot) }
    connections.slots[slot].held = message
    connections.slots[slot].heldAlarm.set(
      saturated(pace.mergePatience), .held, owner: UInt32(slot), in: &timers)
  }

  /// Nothing came to travel with what waits, or its connection is about to end.
  mutating func letGo(_ slot: Int) {
    guard let held = connections.slots[slot].held.take() else { return }
    connections.slots[slot].heldAlarm.cancel()
    put(held, slot)
  }
}

/// Two messages of the service in one.
enum MergedMessage {
  /// Both in one, the first one's fields first; nil if something of their meaning hangs on the order in
  /// which they come, or both say the same kind of thing.
  static func bytes(_ first: [UInt8], _ second: [UInt8]) -> [UInt8]? {
    guard let one = try? JSONValue(decoding: first).objectValue,
      let other = try? JSONValue(decoding: second).objectValue,
      !dependsOnOrder(one, other)
    else { return nil }
    return union(one, other, along: ["serverContent", "modelTurn"]).map {
      JSONValue.object($0).encoded()
    }
  }

  private static func dependsOnOrder(_ one: JSONObject, _ other: JSONObject) -> Bool {
    if one["toolCall"] != nil, other["toolCallCancellation"] != nil { return true }
    let before = one["serverContent"]?.objectValue
    let after = other["serverContent"]?.objectValue
    if before?["interrupted"] != nil || before?["turnComplete"] != nil {
      // What comes behind belongs to another turn, but for this turn's own end.
      let isEnd = after?.members.allSatisfy { $0.name == "turnComplete" } ?? true
      if !isEnd || other["toolCall"] != nil { return true }
    }
    // Whoever is interrupted throws away what he has.
    return before?["modelTurn"] != nil && after?["interrupted"] != nil
  }

  /// Members of both. Only the objects along the path may stand in both, and lists at its end.
  private static func union(
    _ one: JSONObject, _ other: JSONObject, along path: ArraySlice<String>
  ) -> JSONObject? {
    var members = one.members
    for member in other.members {
      guard let index = members.firstIndex(where: { $0.name == member.name }) else {
        members.append(member)
        continue
      }
      switch (members[index].value, member.value) {
      case (.object(let left), .object(let right)) where member.name == path.first:
        guard let both = union(left, right, along: path.dropFirst()) else { return nil }
        members[index].value = .object(both)
      case (.array(let left), .array(let right)) where path.isEmpty:
        members[index].value = .array(left + right)
      default: return nil
      }
    }
    return JSONObject(members.map { ($0.name, $0.value) })
  }
}
