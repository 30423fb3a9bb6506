// SPDX-License-Identifier: Apache-2.0

extension FrameScanner {
  /// The account of a turn. The answer's counts have two names; one that is given under both is for
  /// the full decoder, as any repeated field.
  mutating func usage(into usage: inout UsageMetadata) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      switch name {
      case "promptTokenCount":
        return seen.insert(1) && scanner.count(into: &usage.promptTokenCount)
      case "responseTokenCount", "candidatesTokenCount":
        return seen.insert(2) && scanner.count(into: &usage.responseTokenCount)
      case "totalTokenCount":
        return seen.insert(4) && scanner.count(into: &usage.totalTokenCount)
      case "promptTokensDetails":
        return seen.insert(8) && scanner.details(into: &usage.promptTokensDetails)
      case "responseTokensDetails", "candidatesTokensDetails":
        return seen.insert(16) && scanner.details(into: &usage.responseTokensDetails)
      case "thoughtsTokenCount":
        return seen.insert(32) && scanner.count(into: &usage.thoughtsTokenCount)
      case "cachedContentTokenCount":
        return seen.insert(64) && scanner.count(into: &usage.cachedContentTokenCount)
      case "cacheTokensDetails":
        return seen.insert(128) && scanner.details(into: &usage.cacheTokensDetails)
      case "toolUsePromptTokenCount":
        return seen.insert(256) && scanner.count(into: &usage.toolUsePromptTokenCount)
      case "toolUsePromptTokensDetails":
        return seen.insert(512) && scanner.details(into: &usage.toolUsePromptTokensDetails)
      default: return false
      }
    }
  }

  private mutating func count(into count: inout Int) -> Bool {
    guard let value = integer(), let exact = Int(exactly: value) else { return false }
    count = exact
    return true
  }

  private mutating func details(into details: inout [ModalityTokenCount]) -> Bool {
    list { scanner in
      var detail = ModalityTokenCount()
      guard scanner.detail(into: &detail) else { return false }
      if details.isEmpty { details = [detail] } else { details.append(detail) }
      return true
    }
  }

  private mutating func detail(into detail: inout ModalityTokenCount) -> Bool {
    var seen = SeenFields()
    return object { scanner, name in
      switch name {
      case "modality":
        guard seen.insert(1), let modality = scanner.modality() else { return false }
        detail.modality = modality
        return true
      case "tokenCount": return seen.insert(2) && scanner.count(into: &detail.tokenCount)
      default: return false
      }
    }
  }

  private mutating func modality() -> Modality? {
    guard let run = plainString() else { return nil }
    switch Name(bytes: run) {
    case "AUDIO": return .audio
    case "TEXT": return .text
    case "VIDEO": return .video
    case "IMAGE": return .image
    // A new name, or one in lower case.
    default: return nil
    }
  }
}
