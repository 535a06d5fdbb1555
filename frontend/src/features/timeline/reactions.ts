// What people react with. Short first; the rest one tap away.

export const QUICK_REACTIONS = ['👍', '❤️', '😂', '😮', '😢', '🎉'] as const;

export const MORE_REACTIONS = [
  '👍', '👎', '❤️', '🔥', '🎉', '👏', '🙏', '💯',
  '😂', '🤣', '😊', '😍', '🥰', '😘', '😎', '🤩',
  '🙂', '😉', '🤔', '🤨', '😐', '🙄', '😬', '🤯',
  '😮', '😱', '😢', '😭', '😡', '🤬', '😴', '🥱',
  '🤝', '💪', '👀', '🙌', '🤷', '🤦', '👌', '✌️',
  '🚀', '✅', '❌', '❓', '💡', '☕', '🍻', '🌻',
] as const;
