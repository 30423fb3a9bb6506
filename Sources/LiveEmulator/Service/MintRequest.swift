// SPDX-License-Identifier: Apache-2.0

import LiveBroker

/// The body of a mint call, read as the service reads it (live-api.md A.2).
struct MintRequest: Sendable {
  var uses = 1
  var expireTime: WallTime?
  var newSessionExpireTime: WallTime?
  var lock = SetupLock()

  /// What is wrong with a body: the text of an `INVALID_ARGUMENT`.
  struct Refusal: Error, Sendable {
    var message: String
    var isUnknownField = false
  }

  /// Reads a body; an empty one is `{}`.
  init(_ body: [UInt8]) throws(Refusal) {
    guard !body.isEmpty else { return }
    let object: JSONObject
    do throws(WireError) {
      guard let value = try JSONValue(decoding: body).objectValue else {
        throw WireError(.notAnObject)
      }
      object = value
    } catch {
      throw Refusal(message: "Invalid JSON payload received. Unexpected token.")
    }
    for member in object.members {
      if case .null = member.value { continue }
      try read(SetupSchema.camelCase(member.name), member)
    }
  }

  private mutating func read(_ name: String, _ member: JSONObject.Member) throws(Refusal) {
    switch name {
    case "uses":
      guard let uses = member.value.integerValue, (0...Int64(Int32.max)).contains(uses) else {
        throw Self.invalid(member.name)
      }
      self.uses = Int(uses)
    case "expireTime": expireTime = try Self.time(member)
    case "newSessionExpireTime": newSessionExpireTime = try Self.time(member)
    case "bidiGenerateContentSetup": lock.setup = try Self.setup(member)
    case "fieldMask":
      guard let text = member.value.stringValue else { throw Self.invalid(member.name) }
      if !text.isEmpty { lock.mask = try Self.mask(text) }
    default:
      throw Self.unknown(member.name, at: nil)
    }
  }

  private static func time(_ member: JSONObject.Member) throws(Refusal) -> WallTime {
    guard let text = member.value.stringValue, let time = WallTime(rfc3339: text) else {
      throw invalid(member.name)
    }
    return time
  }

  private static func setup(_ member: JSONObject.Member) throws(Refusal) -> JSONObject {
    guard let setup = member.value.objectValue else { throw invalid(member.name) }
    let place = "auth_token.bidi_generate_content_setup"
    if let unknown = SetupSchema.setup.unknownName(in: setup, at: place) {
      throw Self.unknown(unknown.name, at: unknown.place)
    }
    return setup
  }

  private static func mask(_ text: String) throws(Refusal) -> FieldMask {
    guard let mask = FieldMask(text) else {
      throw Refusal(message: "field_mask is invalid for BidiGenerateContentSetup")
    }
    return mask
  }

  private static func invalid(_ name: String) -> Refusal {
    Refusal(message: "Invalid value at 'auth_token.\(SetupSchema.snakeCase(name))'")
  }

  private static func unknown(_ name: String, at place: String?) -> Refusal {
    Refusal(message: CloseNotice.unknownNameText(name, at: place), isUnknownField: true)
  }
}

/// Bodies of refused mint calls, as the service words them (live-api.md A.6).
enum MintRefusal {
  static func body(
    _ code: Int, _ status: String, _ message: String, details: String? = nil
  ) -> [UInt8] {
    var json = [UInt8]()
    json.raw(#"{"error":{"code":"#)
    json.number(code)
    json.raw(#","message":"#)
    json.quoted(message)
    json.raw(#","status":"#)
    json.quoted(status)
    if let details {
      json.raw(#","details":["#)
      json += Array(details.utf8)
      json.raw("]")
    }
    json.raw("}}")
    return json
  }

  static let unregistered = body(
    403, "PERMISSION_DENIED",
    "Method doesn't allow unregistered callers (callers without established identity). Please use "
      + "API Key or other form of API consumer identity to call this API.")

  static let keyInvalid = body(
    400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
    details: #"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","#
      + #""domain":"googleapis.com"}"#)

  static let unauthenticated = body(
    401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")

  static let quota = body(
    429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).")

  static let internalError = body(500, "INTERNAL", "Internal error encountered.")

  static let unavailable = body(
    503, "UNAVAILABLE", "The service is currently unavailable.")

  static func tooFar(_ field: String, maximum: Duration) -> [UInt8] {
    let (hours, rest) = maximum.components.seconds.quotientAndRemainder(dividingBy: 3_600)
    let text = hours > 0 && rest == 0 ? "\(hours)h" : TimeText.protobuf(maximum)
    return body(
      400, "INVALID_ARGUMENT", "\(field) is too far in the future. Maximum lifetime is \(text)")
  }

  static func invalid(_ refusal: MintRequest.Refusal) -> [UInt8] {
    body(
      400, "INVALID_ARGUMENT", refusal.message,
      details: refusal.isUnknownField
        ? #"{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":"#
          + #"[{"description":"Cannot find field."}]}"# : nil)
  }
}
