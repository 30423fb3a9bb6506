// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// One WebSocket as the service sees it.
struct ConnectionRecord: Sendable {
  /// upgraded -> settingUp -> live -> closing -> free; the record ends with the TCP connection.
  enum Phase: UInt8, Sendable {
    /// The slot belongs to nobody.
    case free
    /// Open, no setup yet.
    case upgraded
    /// A setup has been accepted; `setupComplete` is on its way.
    case settingUp
    /// The setup is complete.
    case live
    /// The service has sent its close frame, and takes nothing in any more.
    case closing
  }

  enum Flag: UInt8, Sendable {
    case silent = 1
    case withholdsHandles = 2
    /// The other side may believe this connection dead, for a reason it cannot help.
    case excused = 4
    case sentGoAway = 8
    /// The present setup is a resume.
    case resumes = 16
    /// The setup is never answered.
    case stalls = 32
  }

  /// What happens at the `incident` alarm.
  enum Incident: Sendable {
    case drop
    case close(CloseNotice)
    case silence
    case goAway(Duration?)
    case oddFrame([UInt8])
  }

  let id: ConnectionID
  var phase = Phase.upgraded
  /// The API version that the client's path named.
  var version = ""
  private var flags: UInt8 = 0
  /// Index of the session whose socket this is, or -1.
  var session: Int32 = -1
  /// The checkpoint to resume from, while setting up; 0 for a new session.
  var checkpoint: UInt32 = 0
  /// Serial of the token that opened it, or 0 for a key.
  var token: UInt64 = 0
  /// A message after this is the client's fault: the credential's end, and what it cannot know.
  var blameAfter = Int64.max
  /// Messages since the connection began; the setup is number 0.
  var messageIndex: Int64 = -1
  /// When it will be cut for its age.
  var endsAt = Int64.max
  /// The setup that is being processed, and its digest.
  var facts: SetupFacts?
  var setupDigest: UInt64 = 0
  var incident: Incident?
  /// A message that waits for another to travel with it.
  var held: [UInt8]?
  var setupAlarm = Alarm()
  var credentialAlarm = Alarm()
  var ageAlarm = Alarm()
  var incidentAlarm = Alarm()
  var idleAlarm = Alarm()
  var heldAlarm = Alarm()

  init(id: ConnectionID) { self.id = id }

  subscript(flag: Flag) -> Bool {
    get { flags & flag.rawValue != 0 }
    set { flags = newValue ? flags | flag.rawValue : flags & ~flag.rawValue }
  }
}

/// The open connections: records in slots that are used again, and their numbers.
struct ConnectionTable: Sendable {
  var slots: [ConnectionRecord] = []
  private var free: [Int32] = []
  private var slotByID: [ConnectionID: Int32] = [:]

  var count: Int { slotByID.count }

  func slot(_ id: ConnectionID) -> Int? { slotByID[id].map(Int.init) }

  /// The slot for a new connection, or nil if the number is in use.
  mutating func open(_ id: ConnectionID) -> Int? {
    guard slotByID[id] == nil else { return nil }
    let slot: Int
    if let reused = free.popLast() {
      slot = Int(reused)
      slots[slot] = ConnectionRecord(id: id)
    } else {
      slot = slots.count
      slots.append(ConnectionRecord(id: id))
    }
    slotByID[id] = Int32(slot)
    return slot
  }

  mutating func release(_ slot: Int) {
    guard slots[slot].phase != .free else { return }
    slotByID[slots[slot].id] = nil
    // A fresh record, so that alarms of the old one find nothing that is due.
    slots[slot] = ConnectionRecord(id: 0)
    slots[slot].phase = .free
    free.append(Int32(slot))
  }
}
